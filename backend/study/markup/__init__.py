"""Item texts as exports write them: plain, as fields of Anki, as Markdown."""
