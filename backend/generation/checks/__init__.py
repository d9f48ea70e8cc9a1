"""What every item must pass that a language model wrote: fixes first, then checks, then its evidence.

``reply.check_items`` runs them over all of a reply. A check is a line in the list of its module, with a sentence for
students in ``reasons``.
"""
