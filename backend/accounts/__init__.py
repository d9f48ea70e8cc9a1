"""Users, their identities at sign-in providers, and the tokens that authenticate them.

Public verbs are in ``service``. Called by every room above, and by ``app``, which authenticates each request.
"""
