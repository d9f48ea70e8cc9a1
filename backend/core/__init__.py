"""The foundation: database, transactions, jobs, errors, HTTP, pagination, logging, clock.

Every room may import any module of core. Core imports no room.
"""
