"""A whole call as the tests make it: ask, send, read."""

from backend.generation.language_models.interface import (
    BeforeCall,
    ConnectReply,
    ConnectRequest,
    SectionReply,
    SectionRequest,
)
from backend.generation.language_models.openai.model import OpenAIModel


def no_check() -> None:
    """Let every call pass."""


def write_section(model: OpenAIModel, section: SectionRequest, before_call: BeforeCall = no_check) -> SectionReply:
    return model.read_section(model.send(model.ask_section(section), before_call), section)


def connect_topics(model: OpenAIModel, request: ConnectRequest, before_call: BeforeCall = no_check) -> ConnectReply:
    return model.read_connections(model.send(model.ask_connections(request), before_call), request)
