"""HTTP: errors, bodies, caching, idempotency, origins, rate limits, OpenAPI."""
