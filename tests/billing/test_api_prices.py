"""The public prices: exact, versioned, cacheable, and true answers in four languages."""

from datetime import date
from decimal import Decimal

import pytest

from backend.billing.prices.price_file import read_price_files
from backend.billing.prices.price_list import choose_following, choose_in_force, get_price_list
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


def test_packages_and_models_are_listed_exactly(anonymous, billing):
    answer = anonymous.get(URL)
    assert answer.status_code == 200
    prices = answer.json
    assert prices["billing_is_on"] is True
    assert prices["publishable_key"].startswith("pk_test_")
    assert (prices["currency"], prices["vat_included"], prices["credits_per_chf"]) == ("chf", False, 1000)
    assert prices["current"]["name"] == "2026-11-01x4"
    assert prices["current"]["applies_from"] == "2026-11-01"
    assert [(p["name"], p["price"], p["price_rappen"], p["credits"]) for p in prices["current"]["packages"]] == [
        ("chf-5", "5.00", 500, 5000),
        ("chf-10", "10.00", 1000, 10_000),
        ("chf-25", "25.00", 2500, 25_000),
        ("chf-50", "50.00", 5000, 50_000),
    ]
    models = {model["model"]: model for model in prices["current"]["models"]}
    # USD 0.10 × 0.80 CHF × 4 × 1,000 credits, and so on.
    assert models["gpt-6-luna"] == {
        "model": "gpt-6-luna",
        "input": "320",
        "cached_input": "32",
        "cache_write": "400",
        "output": "1600",
        "long_context_above_tokens": 272_000,
        "long_context_factor": "2",
    }
    assert models["gpt-4o"]["cache_write"] == models["gpt-4o"]["input"] == "8000"
    assert prices["next"] is None


def test_no_secret_is_shown(anonymous, billing):
    text = anonymous.get(URL).text
    assert "sk_test" not in text
    assert "whsec" not in text


def test_the_margin_is_part_of_the_version(anonymous, billing, monkeypatch):
    monkeypatch.setenv("CREDIT_MARGIN", "2.5")
    get_settings.cache_clear()
    current = anonymous.get(URL).json["current"]
    assert current["name"] == "2026-11-01x2.5"
    assert {model["model"]: model["input"] for model in current["models"]}["gpt-6-luna"] == "200"


@pytest.mark.parametrize(
    ("model", "credits"), [("gpt-4o", "11.12"), ("gpt-6-luna", "0.5104"), ("gpt-6.2-sol", "10.208")]
)
def test_a_typical_item_costs_its_measured_tokens(anonymous, use_model, model, credits):
    use_model(model)
    prices = anonymous.get(URL).json
    assert prices["model_in_use"]["name"] == model
    assert prices["model_in_use"]["is_free"] is False
    assert prices["typical_item"] == {"input_tokens": 570, "output_tokens": 205, "credits": credits}
    price = prices["model_in_use"]["price"]
    assert Decimal(credits) * 1_000_000 == 570 * Decimal(price["input"]) + 205 * Decimal(price["output"])


def test_a_region_multiplies_the_prices(anonymous, use_model):
    use_model("gpt-6-luna", OPENAI_BASE_URL="https://eu.api.openai.com/v1")
    prices = anonymous.get(URL).json
    assert prices["model_in_use"]["region_factor"] == "1.1"
    assert prices["typical_item"]["credits"] == "0.56144"


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
    # 1,000 ÷ 11.12 is 89.
    assert " 89 " in questions[0]["answer"]
    assert {"en": "1,000"}.get(language, "1’000") in questions[0]["answer"]
    others = anonymous.get(URL, headers={"Accept-Language": LANGUAGES[LANGUAGES.index(language) - 1]}).json["questions"]
    assert not {each["answer"] for each in questions} & {each["answer"] for each in others}


def test_a_number_of_items_is_not_more_precise_than_typical(anonymous, use_model):
    use_model("gpt-6-luna")
    # 1,000 ÷ 0.5104 is 1,959.
    assert "about 1,900 flashcards" in anonymous.get(URL).json["questions"][0]["answer"]


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
    assert get_price_list().name == "2026-11-01x4"


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
