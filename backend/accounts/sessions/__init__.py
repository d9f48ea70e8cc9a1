"""Sessions: rows, access tokens and refresh tokens."""
