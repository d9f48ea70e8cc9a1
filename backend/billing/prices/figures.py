"""Numbers as users read them."""

from backend.billing.types import RAPPEN_PER_CHF

_THOUSANDS = {"en": ",", "de": "’", "fr": "’", "it": "’"}


def format_whole(number: int, language: str) -> str:
    """``10000`` is ``10,000`` in English, and ``10’000`` in the other languages of Switzerland."""
    return f"{number:,}".replace(",", _THOUSANDS[language])


def to_francs(rappen: int) -> str:
    """``-500`` rappen are ``-5.00`` francs, for programs."""
    francs, rest = divmod(abs(rappen), RAPPEN_PER_CHF)
    return f"{'-' if rappen < 0 else ''}{francs}.{rest:02}"


def format_francs(rappen: int, language: str) -> str:
    """``-125000`` rappen are ``-1’250.00`` francs, for people."""
    francs, rest = divmod(abs(rappen), RAPPEN_PER_CHF)
    return f"{'-' if rappen < 0 else ''}{format_whole(francs, language)}.{rest:02}"
