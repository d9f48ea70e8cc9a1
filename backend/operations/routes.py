"""The health route."""

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from backend.operations import service
from backend.operations.schemas import HealthAnswer

operations = APIBlueprint("operations", __name__, tag="Operations")


@operations.get("/health")
@operations.output(HealthAnswer)
@operations.doc(responses={503: "The database is down"})
def health() -> ResponseReturnValue:
    """Tell how the parts are doing: 200 when ok or degraded, 503 when the database is down."""
    answer = service.check_health()
    return answer.model_dump(), 503 if answer.status == "unavailable" else 200
