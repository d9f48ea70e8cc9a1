"""The concept map: topics, links, and its drawing."""
