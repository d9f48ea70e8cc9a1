"""What is learned from: topics and their links, flashcards, questions, the evidence of each, and exports.

Public verbs are in ``service``; ``errors`` and ``types`` may be imported too. Callers: ``generation`` and the
rooms above it.
"""
