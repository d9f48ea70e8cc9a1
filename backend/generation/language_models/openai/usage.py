"""Reads what a call used, in the words of both APIs."""

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from backend.generation.language_models.interface import Usage


class _InputDetails(BaseModel):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(BaseModel):
    reasoning_tokens: int | None = None


class _Tokens(BaseModel):
    """Chat completions call them prompt and completion tokens, responses input and output tokens."""

    input: int | None = Field(None, validation_alias=AliasChoices("prompt_tokens", "input_tokens"))
    output: int | None = Field(None, validation_alias=AliasChoices("completion_tokens", "output_tokens"))
    input_details: _InputDetails | None = Field(
        None, validation_alias=AliasChoices("prompt_tokens_details", "input_tokens_details")
    )
    output_details: _OutputDetails | None = Field(
        None, validation_alias=AliasChoices("completion_tokens_details", "output_tokens_details")
    )


def read_usage(data: object) -> Usage:
    """Parse the ``usage`` of a body; missing or invalid values count as zero, because servers may leave it out."""
    try:
        tokens = _Tokens.model_validate(data.get("usage") if isinstance(data, dict) else None)
    except ValidationError:
        return Usage()
    read, written = tokens.input_details or _InputDetails(), tokens.output_details or _OutputDetails()
    return Usage(
        input_tokens=tokens.input or 0,
        cached_tokens=read.cached_tokens or 0,
        output_tokens=tokens.output or 0,
        cache_write_tokens=read.cache_write_tokens or 0,
        reasoning_tokens=written.reasoning_tokens or 0,
    )
