"""A study kit as files: Anki package, tab-separated text, JSON, Markdown, and the concept map as SVG."""
