"""Calls of the model's server."""
