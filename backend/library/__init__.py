"""Study sets and documents: stored files and the pages read from them.

Higher rooms call ``service`` and may import ``errors`` and ``types``. ``signals`` tells them that a document was read
or is about to be deleted.
"""
