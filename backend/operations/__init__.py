"""How the system keeps running: health, the sweep, metrics, reports of errors. Later the watchdog
and administration.

Public verbs are in ``service``. Callers: ``app``, ``worker`` and ``cli``.
"""
