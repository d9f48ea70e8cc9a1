"""How the system keeps running: health, the sweep. Later the watchdog, metrics and administration.

Public verbs are in ``service``. Callers: ``app``, ``worker`` and ``cli``.
"""
