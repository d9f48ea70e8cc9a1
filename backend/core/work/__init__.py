"""Leased work: rows that Celery messages point at, the queue, the sweep."""
