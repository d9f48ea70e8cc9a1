"""Study material: topics and their links, flashcards and questions with their evidence, and exports.

Public verbs are in ``service``; ``errors`` and ``types`` may be imported too. Callers: ``generation`` and the
rooms above it.
"""
