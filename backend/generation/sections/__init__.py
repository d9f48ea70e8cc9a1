"""Sections: cuts the pages of documents into parts, one for each model call."""
