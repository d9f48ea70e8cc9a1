"""The local stack: PostgreSQL, Redis, the API and the worker on one machine, private to one checkout.

``python -m config.local.run`` runs it in the foreground, ``python -m config.local.demo`` makes one study kit with it,
and tests and benchmarks use its classes: ``postgres.LocalPostgres``, ``redis.LocalRedis`` and ``stack.LocalStack``.
Everything started here ends with the process that started it.
"""
