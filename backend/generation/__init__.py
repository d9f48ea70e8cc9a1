"""Generates study material: runs and their steps, language models, prompts, and checks of the models' output.

Public verbs are in ``service``; ``errors`` and ``types`` may be imported too. Callers: ``operations`` and
``privacy``.
"""
