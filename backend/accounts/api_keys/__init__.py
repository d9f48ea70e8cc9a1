"""API keys: a user's credentials for scripts."""
