"""The gunicorn worker of the API."""
