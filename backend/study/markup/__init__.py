"""Converts item texts for exports: plain text, Anki fields, Markdown."""
