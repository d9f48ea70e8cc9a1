"""The settings that the API needs if billing is on. Other processes need only the secret key."""

from flask import Flask

from backend.settings import Settings, SettingsRefused


def refuse_incomplete_settings(_app: Flask, settings: Settings) -> None:
    """Raise SettingsRefused if billing is on, but the browser app or the webhook could not work."""
    if not settings.billing_is_on:
        return
    missing = [name for name in ("stripe_publishable_key", "stripe_webhook_secret") if not getattr(settings, name)]
    if missing:
        lines = [f"  {name.upper()} is missing: STRIPE_API_KEY turns billing on" for name in missing]
        raise SettingsRefused("\n".join(["Refusing to start:", *lines]))
