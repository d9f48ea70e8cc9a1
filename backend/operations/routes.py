"""The health route."""

from typing import Any

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from backend.operations import service
from backend.operations.schemas import HealthAnswer

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
    answer = service.check_health()
    return answer.model_dump(), 503 if answer.status == "unavailable" else 200
