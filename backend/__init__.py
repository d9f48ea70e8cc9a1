"""HackTheStudy's backend: one Flask API and one Celery worker, laid out in rooms (see docs/architecture.md)."""
