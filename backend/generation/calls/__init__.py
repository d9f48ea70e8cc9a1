"""Calls of a language model's server: whose turn it is, and the answers that are kept."""
