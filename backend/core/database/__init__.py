"""Database: engine, session, transactions, locks for quotas, privacy marks."""
