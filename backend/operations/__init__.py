"""How the system keeps running: health, the watchdog and the sweep, metrics, reports of errors, containers.

Public verbs are in ``service``; ``watchdog`` and ``sweeping`` are commands, ``heartbeat`` is the worker's side of the
first. Callers: ``app``, ``worker`` and ``cli``.
"""
