"""Runs: planning, steps, recording, events, receipts."""
