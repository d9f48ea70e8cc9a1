"""The sweep loop, housekeeping and database migrations."""
