"""Files: where the bytes of documents are stored, moved, counted and deleted."""
