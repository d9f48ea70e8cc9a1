"""Price files and price lists: exact costs, refusals that name the field, and versions that never change."""

import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.billing.errors import ModelNotPriced
from backend.billing.models import StoredPriceList
from backend.billing.prices.price_file import PriceFileRefused, read_price_files
from backend.billing.prices.price_list import get_price_list, use_price_list
from backend.billing.types import TokenUsage
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from tests import credits
from tests.conftest import CHECKOUT, SECRETS

_TEXT = (CHECKOUT / "config/prices/2026-11-01.toml").read_text()
_LUNA = "gpt-6-luna"
_LONG = 272_000


def cost(model: str, *tokens: int, host: str | None = None) -> Decimal:
    """Return the credits for tokens: input, of these cached and written to the cache, and output."""
    found = get_price_list().cost(model, TokenUsage(*tokens), host=host)
    assert found is not None
    return found.credits


@pytest.mark.parametrize(
    ("model", "tokens", "expected"),
    [
        # USD 0.10, 0.01, 0.125 and 0.50 per million × 0.80 CHF × 4 × 1,000 credits.
        (_LUNA, (1_000_000 - 728_000 - 1, 0, 0, 0), "87.03968"),
        (_LUNA, (1, 0, 0, 0), "0.00032"),
        (_LUNA, (1, 1, 0, 0), "0.000032"),
        (_LUNA, (1, 0, 1, 0), "0.0004"),
        (_LUNA, (0, 0, 0, 1), "0.0016"),
        (_LUNA, (570, 100, 200, 205), "0.4976"),
        # Without a price for cached input or cache writes, these cost as much as other input.
        ("gpt-6.1-terra", (10, 4, 6, 0), "0.032"),
        ("gpt-6.2-sol", (10, 4, 6, 0), "0.04096"),
        # A vendor that counts more cached tokens than input tokens does not lower the price below theirs.
        (_LUNA, (1, 2, 0, 0), "0.000064"),
        # Above 272,000 input tokens the whole request costs double; output does not count.
        (_LUNA, (_LONG, 0, 0, 10), "87.056"),
        (_LUNA, (_LONG + 1, 0, 0, 10), "174.11264"),
        (_LUNA, (_LONG, 0, 0, _LONG), "522.24"),
        ("gpt-4o", (_LONG + 1, 0, 0, 0), "2176.008"),
    ],
)
def test_costs_are_exact(settings, model: str, tokens: tuple[int, ...], expected: str) -> None:
    assert cost(model, *tokens) == Decimal(expected)


def test_a_cost_says_what_it_is_made_of(settings) -> None:
    found = get_price_list().cost(_LUNA, TokenUsage(570, 0, 0, 205))
    assert found is not None
    assert (found.price_list, found.usd, found.chf, found.credits) == (
        "2026-11-01x4",
        Decimal("0.0001595"),
        Decimal("0.0001276"),
        Decimal("0.5104"),
    )


def test_a_region_costs_more_and_an_unknown_model_has_no_price(settings) -> None:
    plain = cost(_LUNA, 1000, 0, 0, 100)
    assert cost(_LUNA, 1000, 0, 0, 100, host="api.openai.com") == plain
    assert cost(_LUNA, 1000, 0, 0, 100, host="eu.api.openai.com") == plain * Decimal("1.1")
    assert get_price_list().cost("gpt-7", TokenUsage(1)) is None


@pytest.mark.parametrize(
    ("margin", "name"), [("4", "x4"), ("4.00", "x4"), ("2.50", "x2.5"), ("40", "x40"), ("1", "x1")]
)
def test_the_margin_can_be_set(settings, monkeypatch, margin: str, name: str) -> None:
    with credits.billing_on(monkeypatch, CREDIT_MARGIN=margin):
        price_list = get_price_list()
        assert price_list.name == f"2026-11-01{name}"
        assert cost(_LUNA, 1, 0, 0, 0) == Decimal("0.00008") * Decimal(margin)
        assert price_list.packages[0].credits == 5000


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("usd_to_chf = 0.80", "usd_to_chf = 0", "usd_to_chf"),
        ("usd_to_chf = 0.80", "usd_to_chf = nan", "usd_to_chf"),
        ("usd_to_chf = 0.80", "usd_to_chf = inf", "usd_to_chf"),
        ("usd_to_chf = 0.80", "", "usd_to_chf"),
        ("margin = 4", "margin = 0.9", "margin"),
        ("margin = 4", "margin = 4\nmarign = 5", "marign"),
        ("credits = 5000", "credits = 5001", "packages.0"),
        ("credits = 5000", "credits = 4000", "packages.0"),
        ("price_rappen = 500", "price_rappen = 0", "packages.0.price_rappen"),
        ("price_rappen = 500", "price_rappen = 500.5", "packages.0.price_rappen"),
        ('name = "chf-10"', 'name = "chf-5"', "two packages have the same name"),
        ('name = "chf-10"', 'name = "CHF 10"', "packages.1.name"),
        ("input = 2.50", "input = -1", "models.gpt-4o.input"),
        ("input = 2.50", 'input = "cheap"', "models.gpt-4o.input"),
        ("long_context_factor = 2", "long_context_factor = 0.5", "models.gpt-6-luna.long_context_factor"),
        ('"eu.api.openai.com" = 1.10', '"eu.api.openai.com" = 0.9', "regions.eu.api.openai.com"),
        ("applies_from = 2026-11-01", "applies_from = 2026-11-02", "must be named after its applies_from"),
        ("applies_from = 2026-11-01", "applies_from = ", "is not TOML"),
    ],
)
def test_a_malformed_file_is_refused_by_name_and_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert old in _TEXT
    (tmp_path / "2026-11-01.toml").write_text(_TEXT.replace(old, new, 1))
    with pytest.raises(PriceFileRefused, match="Refusing to start") as refused:
        read_price_files(tmp_path)
    assert "2026-11-01.toml" in str(refused.value)
    assert field in str(refused.value)


def test_a_folder_without_files_and_other_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceFileRefused, match="has no price file"):
        read_price_files(tmp_path)
    (tmp_path / "2026-11-01.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PriceFileRefused, match=r"2026-11-01\.toml is not TOML"):
        read_price_files(tmp_path)


def test_a_list_is_stored_once_when_it_is_used(app: APIFlask, billing) -> None:
    with app.app_context():
        for _ in range(2):
            with transaction():
                assert get_price_list("2026-11-01x4").name == use_price_list().name
        with transaction():
            stored = db.session.scalars(sa.select(StoredPriceList)).one()
    assert (stored.name, str(stored.applies_from), stored.margin) == ("2026-11-01x4", "2026-11-01", 4)
    # Exact numbers are kept as text.
    assert stored.content["models"][_LUNA]["input"] == "0.10"


def store(name: str, **changes: object) -> None:
    with transaction():
        content = get_price_list()._file.to_json()
        values = {"name": name, "applies_from": "2026-11-01", "margin": 4, "content": {**content, **changes}}
        db.session.execute(sa.insert(StoredPriceList).values(values))


def test_a_used_list_whose_file_was_changed_is_refused(app: APIFlask, billing) -> None:
    with app.app_context():
        store("2026-11-01x4", usd_to_chf="0.81")
        with transaction(), pytest.raises(ModelNotPriced) as refused:
            use_price_list()
    assert refused.value.code == "misconfigured"


def test_what_was_sold_is_booked_although_its_file_was_changed(app: APIFlask, billing) -> None:
    with app.app_context():
        store("2026-11-01x4", usd_to_chf="0.81")
        with transaction():
            assert use_price_list("2026-11-01x4").usd_to_chf == Decimal("0.81")


def test_writing_a_number_differently_changes_nothing(app: APIFlask, billing) -> None:
    with app.app_context():
        store("2026-11-01x4", usd_to_chf="0.8")
        with transaction():
            assert use_price_list().usd_to_chf == Decimal("0.80")


def test_a_former_list_keeps_its_prices(app: APIFlask, billing) -> None:
    with app.app_context():
        store("2026-01-01x4", applies_from="2026-01-01", usd_to_chf="0.90")
        with transaction():
            assert get_price_list("2026-01-01x4").usd_to_chf == Decimal("0.90")
            with pytest.raises(ModelNotPriced):
                get_price_list("2025-01-01x4")


def test_a_lost_list_comes_back_from_its_file(app: APIFlask, billing) -> None:
    """After a restore from backup, a purchase may name a list that was stored since then."""
    with app.app_context(), transaction():
        assert use_price_list("2026-11-01x2.5").margin == Decimal("2.5")
        assert db.session.get(StoredPriceList, "2026-11-01x2.5") is not None
        for name in ("2026-11-01x0.5", "2026-11-01xNaN", "2026-11-01", "2020-01-01x4"):
            with pytest.raises(ModelNotPriced):
                use_price_list(name)


@pytest.mark.parametrize(
    "command",
    [
        ["-c", "import backend.app; backend.app.create_app()"],
        ["-m", "celery", "-A", "backend.worker.computing", "worker", "--pool", "solo"],
    ],
    ids=["api", "worker"],
)
def test_programs_refuse_to_start_with_a_malformed_file(tmp_path: Path, servers, command: list[str]) -> None:
    for folder in ("backend", "config"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "config/prices/2026-11-01.toml").write_text(_TEXT.replace("margin = 4", "margin = 0"))
    environment = {**os.environ, **SECRETS, "ENVIRONMENT": "test", "PYTHONPATH": str(tmp_path)}
    environment |= {"DATABASE_URL": servers["postgres"], "REDIS_URL": servers["redis"]}
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Refusing to start: 2026-11-01.toml:\n  margin: " in done.stderr
