"""Benchmarks with bounds: ``python -m benchmarks`` (``make bench``).

Each figure is a ratio measured within one run, an amount of memory, or a number of queries, with a bound. A missed
bound is shown in the table but does not fail the build, because times on a shared machine prove nothing.
"""
