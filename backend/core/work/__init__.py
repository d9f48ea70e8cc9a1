"""Leased work: job rows, the queue of messages that point at them, the sweep."""
