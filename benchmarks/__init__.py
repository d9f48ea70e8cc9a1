"""What must be fast and small, measured: ``python -m benchmarks`` (``make bench``).

Each figure is a ratio within one run, or an amount of memory or of queries, with a bound. Measuring judges nothing:
a missed bound is shown in the table and fails no build, since times of a shared machine are no proof.
"""
