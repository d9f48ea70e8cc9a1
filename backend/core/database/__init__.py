"""Database: engine, session, transactions, locks, privacy marks."""
