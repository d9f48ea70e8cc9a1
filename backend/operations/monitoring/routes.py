"""Routes for health (readiness and liveness) and metrics."""

import hmac
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue

from backend.operations.errors import MetricsTokenWrong
from backend.operations.monitoring import health as service
from backend.operations.monitoring.metrics import MEASURER, SCRAPERS_KEY, render
from backend.operations.monitoring.schemas import HealthResponse, LiveResponse
from backend.settings import get_settings

operations = APIBlueprint("operations", __name__, tag="Operations")
# Not part of the API: at the root of the server, where Prometheus looks by default, with its own token.
metrics = APIBlueprint("metrics", __name__, enable_openapi=False)

_UNWELL: dict[int | str, Any] = {
    503: {
        "description": "The database is down",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HealthResponse"}}},
    }
}


@operations.get("/health")
@operations.output(HealthResponse)
@operations.doc(responses=_UNWELL)
def health() -> ResponseReturnValue:
    """Check the database and the broker: 200 if ok or degraded, 503 if the database is down."""
    g.is_probe = True
    answer = service.check_health(current_app.config["SQLALCHEMY_DATABASE_URI"])
    return answer.model_dump(), 503 if answer.status == "unavailable" else 200


@operations.get("/health/live")
@operations.output(LiveResponse)
def live() -> LiveResponse:
    """Check that this process answers. Nothing else is checked, because a restart would not repair a database."""
    g.is_probe = True
    return LiveResponse()


@metrics.get("/metrics")
def scrape() -> ResponseReturnValue:
    """Return all metrics. Raises MetricsTokenWrong."""
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {current_app.config[SCRAPERS_KEY]}".encode()):
        raise MetricsTokenWrong
    measured = current_app.extensions[MEASURER].measure()
    body, content_type = render(measured, get_settings().app_version, request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)
