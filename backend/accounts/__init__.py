"""Who it is: users, their identities at providers, and the tokens that speak for them.

Public verbs are in ``service``. Callers: every room above, and ``app``, which authenticates each request.
"""
