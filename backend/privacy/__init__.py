"""Privacy: a user can export all their data, and have all of it erased.

Both follow the foreign keys that lead to a user, through the tables of all rooms below, so that new tables are
included without further code. Public verbs are in ``service``. Callers: ``administration`` and the operators' commands.
"""
