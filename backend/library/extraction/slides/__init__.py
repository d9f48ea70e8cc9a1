"""Reads PowerPoint files."""
