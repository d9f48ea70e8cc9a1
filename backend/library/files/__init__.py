"""Stored files: their bytes in PostgreSQL or a bucket, moving, expiry and the storage quota."""
