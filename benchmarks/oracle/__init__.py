"""Compares the reading of documents with pandoc, a development tool that is never shipped: ``make reading-oracle``."""
