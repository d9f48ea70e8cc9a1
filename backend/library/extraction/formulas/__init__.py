"""Turns the formulas of office files and web pages into LaTeX."""
