"""Keys of Stripe: what each must look like, and that test keys and live keys are not mixed."""

import pytest

from backend.settings import Settings, SettingsRefused, load_settings

KEYS = {
    "STRIPE_API_KEY": "sk_test_1234567890",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_1234567890",
    "STRIPE_WEBHOOK_SECRET": "whsec_1234567890",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of our variables."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ENVIRONMENT", "test")
    return monkeypatch


def set_all(environment: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in {**KEYS, **values}.items():
        environment.setenv(name, value)


@pytest.mark.parametrize(
    ("name", "allowed", "value"),
    [
        (
            "STRIPE_API_KEY",
            "a secret or restricted key of Stripe: sk_test_…, sk_live_…, rk_test_… or rk_live_…",
            "pk_test_1234567890",
        ),
        ("STRIPE_PUBLISHABLE_KEY", "a publishable key of Stripe: pk_test_… or pk_live_…", "sk_test_1234567890"),
        ("STRIPE_WEBHOOK_SECRET", "webhook secrets of Stripe, whsec_…, separated by commas", "whsec_1234567890,oops"),
    ],
)
def test_a_key_of_another_form_is_refused(environment: pytest.MonkeyPatch, name: str, allowed: str, value: str) -> None:
    set_all(environment, **{name: value})
    with pytest.raises(SettingsRefused) as refused:
        load_settings()
    assert f"{name}: must be {allowed}" in str(refused.value)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("api", "publishable"), [("sk_live_1234567890", "pk_test_1234567890"), ("rk_test_1234567890", "pk_live_1234567890")]
)
def test_test_and_live_keys_are_not_mixed(environment: pytest.MonkeyPatch, api: str, publishable: str) -> None:
    set_all(environment, STRIPE_API_KEY=api, STRIPE_PUBLISHABLE_KEY=publishable)
    with pytest.raises(SettingsRefused, match="must both be test keys or both be live keys"):
        load_settings()


def test_several_webhook_secrets_are_accepted_while_one_is_rolled(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, STRIPE_WEBHOOK_SECRET="whsec_1234567890, whsec_abcdefghij")
    settings = load_settings()
    assert [secret.get_secret_value() for secret in settings.stripe_webhook_secret] == [
        "whsec_1234567890",
        "whsec_abcdefghij",
    ]
    assert settings.billing_is_on
    assert "whsec_1234567890" not in repr(settings)
