"""The health routes: may this process be sent requests, and does it live at all."""

from typing import Any

from apiflask import APIBlueprint
from flask import current_app, g
from flask.typing import ResponseReturnValue

from backend.operations import service
from backend.operations.schemas import HealthAnswer, LiveAnswer

operations = APIBlueprint("operations", __name__, tag="Operations")

_UNWELL: dict[int | str, Any] = {
    503: {
        "description": "The database is down",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HealthAnswer"}}},
    }
}


@operations.get("/health")
@operations.output(HealthAnswer)
@operations.doc(responses=_UNWELL)
def health() -> ResponseReturnValue:
    """Tell how the parts are doing: 200 when ok or degraded, 503 when the database is down."""
    g.is_probe = True
    answer = service.check_health(current_app.config["SQLALCHEMY_DATABASE_URI"])
    return answer.model_dump(), 503 if answer.status == "unavailable" else 200


@operations.get("/health/live")
@operations.output(LiveAnswer)
def live() -> LiveAnswer:
    """Tell that this process answers. Nothing else is looked at: a restart would not bring a database back."""
    g.is_probe = True
    return LiveAnswer()
