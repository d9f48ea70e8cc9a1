"""The foundation, which knows no room: database, transaction, jobs, errors, HTTP, pagination, logging, clock.

Every room may import any module of it; it imports nothing of theirs.
"""
