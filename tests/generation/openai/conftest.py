"""A language model that calls a stand-in over real HTTP."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from backend.generation.language_models.interface import SectionPage, SectionRequest
from backend.generation.language_models.openai.model import OpenAIModel
from backend.study.types import Counts
from tests.patience import HANG_S
from tests.stand_ins.openai_server import OpenAIStandIn

PAGES = (
    SectionPage(
        3,
        "Cells",
        "The mitochondrion produces most of the energy of a cell. Ribosomes assemble proteins from amino\n"
        "acids. The nucleus stores the genetic material of eukaryotes. Membranes separate the interior of a cell "
        "from its surroundings.",
    ),
    SectionPage(
        4,
        None,
        "Photosynthesis converts sunlight into chemical energy. Chlorophyll absorbs mostly blue and red "
        "wavelengths of light. Chloroplasts contain their own circular molecules of heredity.",
    ),
)


@pytest.fixture
def section() -> SectionRequest:
    """Two pages, with a request for three flashcards and two questions."""
    return SectionRequest(
        document_id=UUID(int=1), filename="biology.pdf", pages=PAGES, wanted=Counts(3, 2), language="en"
    )


@pytest.fixture
def server() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def make_model(server: OpenAIStandIn) -> Iterator[Callable[..., OpenAIModel]]:
    """Make models for the stand-in. Each has its own name, because dialects are remembered by name."""
    made = []

    def make(**options: object) -> OpenAIModel:
        arguments = {"api_key": "sk-secret", "model": f"model-{uuid4()}", "base_url": server.url, "timeout_s": HANG_S}
        made.append(OpenAIModel(**{**arguments, **options}))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def model(make_model: Callable[..., OpenAIModel]) -> OpenAIModel:
    return make_model()
