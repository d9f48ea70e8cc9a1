"""Numbers of PostgreSQL's advisory locks that exist once. All others are numbered by ``hashing.lock_number``."""

MIGRATION_LOCK = 7_305_810
SWEEP_LOCK = 7_305_811
EXPORT_LOCK = 7_305_812
READING_LOCK = 7_305_813
