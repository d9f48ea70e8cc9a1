"""Signing in: identities, one-time codes, and the routes that issue tokens."""
