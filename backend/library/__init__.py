"""What is brought: study sets, documents, their stored bytes and the pages read from them.

Public verbs are in ``service``; ``errors`` and ``types`` may be imported too. Callers: ``study``, ``generation``
and the rooms above them. ``signals`` tells higher rooms that a document was read or is about to go.
"""
