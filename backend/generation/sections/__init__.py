"""Sections: how the pages of documents are cut into parts for one model call each."""
