"""Processes: logging, probes, the shutdown flag."""
