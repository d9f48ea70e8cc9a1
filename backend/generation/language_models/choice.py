"""Selects the language model: OpenAI or a compatible server if a key is set, otherwise the built-in model."""

from functools import lru_cache

from backend.generation.language_models.builtin.model import BuiltinModel
from backend.generation.language_models.interface import LanguageModel
from backend.settings import get_settings


@lru_cache(maxsize=1)
def get_language_model() -> LanguageModel:
    """Return the model; its ``is_remote`` says whether it is asked with calls."""
    settings = get_settings()
    if settings.openai_api_key is None:
        return BuiltinModel()
    # Imported late: the SDK takes much memory, and processes that call no model (such as the watchdog) do not need it.
    from backend.generation.language_models.openai.model import OpenAIModel

    return OpenAIModel(
        api_key=settings.openai_api_key.get_secret_value(),
        model=settings.openai_model,
        base_url=settings.openai_base_url,
        timeout_s=settings.openai_timeout_s,
        max_output_tokens=settings.openai_max_output_tokens,
        effort=None if settings.openai_reasoning_effort == "default" else settings.openai_reasoning_effort,
        service_tier=None if settings.openai_service_tier == "auto" else settings.openai_service_tier,
    )


def load_models() -> None:
    """Load the model before a worker forks, so that its children share the memory and start at full speed."""
    get_language_model()
    if get_settings().openai_api_key is not None:
        from backend.generation.language_models.openai.connection import rehearse_call

        rehearse_call()
