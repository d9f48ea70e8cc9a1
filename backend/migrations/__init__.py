"""Alembic's migrations: the schema of PostgreSQL, step by step."""
