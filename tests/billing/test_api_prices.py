"""The public prices: exact, versioned, cacheable, and true answers in four languages."""

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from backend.billing.prices.price_file import read_price_files
from backend.billing.prices.price_list import PriceList, choose_following, choose_in_force
from backend.billing.prices.price_page import TYPICAL_ITEM, build_price_page
from backend.billing.prices.questions import answer_questions
from backend.settings import get_settings
from tests.conftest import CHECKOUT

URL = "/api/v1/billing/prices"
LANGUAGES = ("en", "de", "fr", "it")
CODES = [
    "what_credits_buy",
    "which_go_first",
    "do_credits_expire",
    "what_happens_at_zero",
    "how_to_get_money_back",
]


def file_in_force() -> dict[str, Any]:
    """Return the price file that applies today, as it is written."""
    files = [
        tomllib.loads(path.read_text(), parse_float=Decimal) for path in (CHECKOUT / "config/prices").glob("*.toml")
    ]
    today = datetime.now(UTC).date()
    return max((each for each in files if each["applies_from"] <= today), key=lambda each: each["applies_from"])


@pytest.fixture
def use_model(billing, monkeypatch):
    """Use a language model of a vendor, by its name."""

    def use(name: str, **changes: str) -> None:
        for variable, value in {"OPENAI_API_KEY": "sk-test-0123456789", "OPENAI_MODEL": name, **changes}.items():
            monkeypatch.setenv(variable, value)
        get_settings.cache_clear()

    yield use
    monkeypatch.undo()
    get_settings.cache_clear()


def test_the_first_price_list_has_these_figures():
    # Files that have been used never change, and there may be newer ones.
    first = read_price_files()[0]
    prices = PriceList(first.list_name, first.applies_from, first)
    assert prices.name == "2026-11-01x4"
    assert [(package.price_rappen, package.credits) for package in prices.packages] == [
        (500, 5000),
        (1000, 10_000),
        (2500, 25_000),
        (5000, 50_000),
    ]
    luna = prices.find_model("gpt-6-luna")
    # USD 0.10 × 0.80 CHF × 4 × 1,000 credits, and so on.
    assert (luna.input, luna.cached_input, luna.cache_write, luna.output) == (320, 32, 400, 1600)
    assert {model: prices.cost(model, TYPICAL_ITEM).credits for model in ("gpt-4o", "gpt-6-luna", "gpt-6.2-sol")} == {
        "gpt-4o": Decimal("11.12"),
        "gpt-6-luna": Decimal("0.5104"),
        "gpt-6.2-sol": Decimal("10.208"),
    }


def test_packages_and_models_are_listed_exactly(anonymous, billing):
    answer = anonymous.get(URL)
    assert answer.status_code == 200
    prices, file = answer.json, file_in_force()
    assert prices["billing_is_on"] is True
    assert prices["publishable_key"].startswith("pk_test_")
    assert (prices["currency"], prices["vat_included"], prices["credits_per_chf"]) == ("chf", False, 1000)
    assert prices["current"]["applies_from"] == file["applies_from"].isoformat()
    assert prices["current"]["name"] == f"{file['applies_from']}x{file['margin']}"
    packages = prices["current"]["packages"]
    assert [{name: p[name] for name in ("name", "price_rappen", "credits")} for p in packages] == file["packages"]
    assert [p["price"] for p in packages] == [f"{p['price_rappen'] / 100:.2f}" for p in packages]
    listed = {model["model"]: model for model in prices["current"]["models"]}
    assert listed.keys() == file["models"].keys()
    for name, model in file["models"].items():
        in_credits = file["usd_to_chf"] * file["margin"] * 1000
        expected = {
            "input": model["input"],
            "cached_input": model.get("cached_input", model["input"]),
            "cache_write": model.get("cache_write", model["input"]),
            "output": model["output"],
        }
        assert {kind: Decimal(listed[name][kind]) for kind in expected} == {
            kind: usd * in_credits for kind, usd in expected.items()
        }
        assert listed[name]["long_context_above_tokens"] == model.get("long_context_above_tokens")
        assert Decimal(listed[name]["long_context_factor"]) == model.get("long_context_factor", 1)


def test_numbers_are_written_without_an_exponent(anonymous, billing):
    prices = anonymous.get(URL).json
    figures = [model[kind] for model in prices["current"]["models"] for kind in ("input", "cached_input", "output")]
    assert all(set(figure) <= set("0123456789.") for figure in figures)


def test_no_secret_is_shown(anonymous, billing):
    text = anonymous.get(URL).text
    assert "sk_test" not in text
    assert "whsec" not in text


def test_the_margin_is_part_of_the_version(anonymous, billing, monkeypatch):
    before = anonymous.get(URL).json["current"]
    monkeypatch.setenv("CREDIT_MARGIN", "2.5")
    get_settings.cache_clear()
    current = anonymous.get(URL).json["current"]
    assert current["name"] == f"{current['applies_from']}x2.5"
    for one, other in zip(before["models"], current["models"], strict=True):
        assert Decimal(other["input"]) == Decimal(one["input"]) / file_in_force()["margin"] * Decimal("2.5")


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-6-luna"])
def test_a_typical_item_costs_its_measured_tokens(anonymous, use_model, model):
    use_model(model)
    prices = anonymous.get(URL).json
    assert prices["model_in_use"]["name"] == model
    assert prices["model_in_use"]["is_free"] is False
    item, price = prices["typical_item"], prices["model_in_use"]["price"]
    assert (item["input_tokens"], item["output_tokens"]) == (570, 205)
    assert Decimal(item["credits"]) * 1_000_000 == 570 * Decimal(price["input"]) + 205 * Decimal(price["output"])


def test_a_region_multiplies_the_prices(anonymous, use_model):
    use_model("gpt-6-luna")
    before = anonymous.get(URL).json
    use_model("gpt-6-luna", OPENAI_BASE_URL="https://eu.api.openai.com/v1")
    prices = anonymous.get(URL).json
    factor = file_in_force()["regions"]["eu.api.openai.com"]
    assert factor > 1
    assert Decimal(prices["model_in_use"]["region_factor"]) == factor
    assert Decimal(prices["typical_item"]["credits"]) == Decimal(before["typical_item"]["credits"]) * factor


def test_a_model_without_a_price_has_none(anonymous, use_model):
    use_model("some-model")
    prices = anonymous.get(URL).json
    assert prices["model_in_use"] == {"name": "some-model", "is_free": False, "price": None, "region_factor": "1"}
    assert prices["typical_item"]["credits"] is None
    assert len(prices["questions"]) == 5


def test_the_builtin_model_is_free(anonymous, billing):
    prices = anonymous.get(URL).json
    assert prices["model_in_use"] == {"name": None, "is_free": True, "price": None, "region_factor": "1"}
    assert prices["typical_item"]["credits"] == "0"
    assert "costs nothing" in prices["questions"][0]["answer"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_five_questions_are_answered_in_the_language_of_the_request(anonymous, use_model, language):
    use_model("gpt-4o")
    answer = anonymous.get(URL, headers={"Accept-Language": language})
    questions = answer.json["questions"]
    assert [each["code"] for each in questions] == CODES
    assert "Accept-Language" in answer.headers["Vary"]
    assert not any("{" in each["question"] + each["answer"] for each in questions)
    items = int(1000 / Decimal(answer.json["typical_item"]["credits"]))
    assert 10 < items < 100
    assert f" {items} " in questions[0]["answer"]
    assert {"en": "1,000"}.get(language, "1’000") in questions[0]["answer"]
    others = anonymous.get(URL, headers={"Accept-Language": LANGUAGES[LANGUAGES.index(language) - 1]}).json["questions"]
    assert not {each["answer"] for each in questions} & {each["answer"] for each in others}


@pytest.mark.parametrize(("credits", "told"), [("0.5104", "1,900"), ("11.12", "89"), ("101", "9"), ("1", "1,000")])
def test_a_number_of_items_is_not_more_precise_than_typical(app, credits, told):
    with app.test_request_context():
        page = replace(build_price_page(), typical_item_credits=Decimal(credits))
    assert f"about {told} flashcards" in next(answer_questions(page, "en")).answer


def test_nothing_is_promised_while_billing_is_off(anonymous):
    prices = anonymous.get(URL).json
    assert prices["billing_is_on"] is False
    assert prices["publishable_key"] is None
    assert prices["sign_up_credits"] == 0
    assert prices["questions"] == []


def test_sign_up_credits_and_vat_follow_the_settings(anonymous, billing, monkeypatch):
    monkeypatch.setenv("SIGNUP_CREDITS", "750")
    monkeypatch.setenv("STRIPE_TAX", "automatic")
    get_settings.cache_clear()
    prices = anonymous.get(URL).json
    assert prices["sign_up_credits"] == 750
    assert prices["vat_included"] is True


def test_prices_can_be_cached(anonymous, billing):
    first = anonymous.get(URL)
    assert first.headers["Cache-Control"] == "public, max-age=300"
    again = anonymous.get(URL, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    german = anonymous.get(URL, headers={"If-None-Match": first.headers["ETag"], "Accept-Language": "de"})
    assert german.status_code == 200


def test_a_signed_in_user_gets_the_same_prices(anonymous, client, billing):
    assert client.get(URL).json == anonymous.get(URL).json


def test_reading_prices_stores_nothing(app, anonymous, billing, count_queries):
    assert count_queries(lambda: anonymous.get(URL)) == 0


def test_the_next_price_list_is_the_first_dated_file_ahead(tmp_path):
    (original,) = (CHECKOUT / "config/prices").glob("2026-11-01.toml")
    text = original.read_text()
    dates = ("2026-11-01", "2027-02-01", "2027-06-01")
    for each in dates:
        (tmp_path / f"{each}.toml").write_text(text.replace("applies_from = 2026-11-01", f"applies_from = {each}"))
    files = read_price_files(tmp_path)
    assert [str(each.applies_from) for each in files] == list(dates)

    def chosen(today: date) -> tuple[str, str | None]:
        following = choose_following(files, today)
        return str(choose_in_force(files, today).applies_from), following and str(following.applies_from)

    assert chosen(date(2026, 1, 1)) == ("2026-11-01", "2027-02-01")
    assert chosen(date(2027, 1, 31)) == ("2026-11-01", "2027-02-01")
    assert chosen(date(2027, 2, 1)) == ("2027-02-01", "2027-06-01")
    assert chosen(date(2027, 6, 1)) == ("2027-06-01", None)
