"""Reads the price files, ``config/prices/<date>.toml``."""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

from flask import Flask
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from backend.billing.types import CREDITS_PER_CHF, CREDITS_PER_RAPPEN
from backend.settings import Settings

_FOLDER = Path(__file__).resolve().parents[3] / "config" / "prices"


class PriceFileRefused(SystemExit):
    """A price file is missing or malformed. Raised at startup."""


def _check_finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("must be a finite number")
    return value


_Price = Annotated[Decimal, Field(ge=0), AfterValidator(_check_finite)]
_Factor = Annotated[Decimal, Field(ge=1), AfterValidator(_check_finite)]
_Rate = Annotated[Decimal, Field(gt=0), AfterValidator(_check_finite)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PackagePrice(_Part):
    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    price_rappen: int = Field(gt=0)
    credits: int = Field(gt=0)

    @model_validator(mode="after")
    def _refuse_odd_rate(self) -> Self:
        # A partial refund then takes back whole credits, whatever its amount.
        if self.credits != self.price_rappen * CREDITS_PER_RAPPEN:
            raise ValueError(f"CHF 1 must be {CREDITS_PER_CHF} credits")
        return self


class ModelPrice(_Part):
    """The vendor's price of a model in US dollars per million tokens."""

    input: _Price
    cached_input: _Price | None = None
    cache_write: _Price | None = None
    output: _Price
    long_context_above_tokens: int | None = Field(None, gt=0)
    long_context_factor: _Factor = Decimal(1)


class PriceFile(_Part):
    """Everything that prices depend on, from a date on."""

    applies_from: date
    usd_to_chf: _Rate
    margin: _Factor
    packages: tuple[PackagePrice, ...] = Field(min_length=1)
    models: Mapping[str, ModelPrice]
    regions: Mapping[str, _Factor] = {}

    @model_validator(mode="after")
    def _refuse_same_name(self) -> Self:
        names = [package.name for package in self.packages]
        if len(set(names)) != len(names):
            raise ValueError("two packages have the same name")
        return self

    def with_margin(self, margin: Decimal | None) -> "PriceFile":
        return self if margin is None else self.model_copy(update={"margin": margin})

    @property
    def list_name(self) -> str:
        """``2026-11-01`` with the file's own margin is ``2026-11-01x4``."""
        return f"{self.applies_from.isoformat()}x{self.margin.normalize():f}"

    def to_json(self) -> dict[str, Any]:
        """Return the file as JSON, with exact numbers as text."""
        return self.model_dump(mode="json")


@lru_cache(maxsize=1)
def read_price_files(folder: Path = _FOLDER) -> tuple[PriceFile, ...]:
    """Return all price files, oldest first. Raises PriceFileRefused."""
    files = tuple(sorted(map(_read, folder.glob("*.toml")), key=lambda each: each.applies_from))
    if not files:
        raise PriceFileRefused(f"Refusing to start: {folder} has no price file.")
    return files


def check_price_files(_app: Flask, _settings: Settings) -> None:
    """Read the price files when the API starts: a malformed one must not end it in the middle of a request."""
    read_price_files()


def _read(path: Path) -> PriceFile:
    try:
        price_file = PriceFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriceFileRefused(f"Refusing to start: {path.name} is not TOML: {error}") from None
    except ValidationError as error:
        problems = [
            f"  {'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_url=False)
        ]
        raise PriceFileRefused("\n".join([f"Refusing to start: {path.name}:", *problems])) from None
    if price_file.applies_from.isoformat() != path.stem:
        raise PriceFileRefused(f"Refusing to start: {path.name} must be named after its applies_from.")
    return price_file
