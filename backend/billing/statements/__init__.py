"""Statements of a year as CSV and PDF."""
