"""Exports a study kit as an Anki package, tab-separated text, JSON or Markdown."""
