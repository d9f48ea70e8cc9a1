"""A user's right to what is hers: an export of everything, and the erasure of everything.

It visits all rooms below through the tables that lead to a user by foreign keys, so that a table that is made tomorrow
is exported and erased too. Public verbs are in ``service``. Callers: ``operations`` and the operators' commands.
"""
