"""Calls of a language model's server: whose turn it is, when the vendor allows one, and the answers that are kept."""
