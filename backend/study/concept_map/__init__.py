"""The concept map: topics, links, and the SVG drawing."""
