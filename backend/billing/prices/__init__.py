"""Prices: files of vendor prices, stored versions, and the arithmetic of costs."""
