"""Checks of items written by a language model: fixes first, then checks, then evidence.

``section.check_reply`` runs them over a reply. To add a check, add a line to the list in its module, and a sentence for
users in ``reasons``.
"""
