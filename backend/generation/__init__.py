"""How material is made: runs and their steps, language models, prompts, checks of what the models write.

Public verbs are in ``service``; ``errors`` and ``types`` may be imported too. Callers: ``operations`` and
``privacy``.
"""
