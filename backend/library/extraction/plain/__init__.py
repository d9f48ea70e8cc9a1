"""Reads files that are text already."""
