"""The worker's two Celery programs: ``celery -A backend.worker.computing worker`` and ``backend.worker.calling``."""
