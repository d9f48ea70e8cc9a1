"""How the system keeps running: health, watchdog and sweep, metrics, error reports, containers; and helping users.

Public verbs are in ``service``; ``watchdog`` and ``sweeping`` are commands, ``heartbeat`` is the worker's side of the
first. ``administration`` is the admin API and a command, and writes each act into the log of ``audit``. Callers:
``app``, ``worker`` and ``cli``.
"""
