"""Reads a file into pages of text, in a child process with limits. Only the library room uses it."""
