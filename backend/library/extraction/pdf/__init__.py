"""Reads PDF files with PDFium."""
