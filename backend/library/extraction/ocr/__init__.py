"""Reads the text of pictures."""
