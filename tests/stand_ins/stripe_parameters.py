"""The parameters that the Stripe stand-in accepts, checked as Stripe checks them."""

import re
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]

TEXT, INTEGER, BOOLEAN, MAP = "text", "integer", "boolean", "map"
_LOCALES = ["auto", "de", "de-CH", "en", "en-GB", "fr", "fr-CH", "it", "it-CH"]
_CREATED = {"gt": INTEGER, "gte": INTEGER, "lt": INTEGER, "lte": INTEGER}
_PAGE: Json = {"limit": INTEGER, "starting_after": TEXT, "ending_before": TEXT, "expand": [TEXT], "created": _CREATED}

# A tuple is a list of the values that are allowed.
CREATE_CHECKOUT: Json = {
    "adaptive_pricing": {"enabled": BOOLEAN},
    "automatic_tax": {"enabled": BOOLEAN},
    "billing_address_collection": ("auto", "required"),
    "cancel_url": TEXT,
    "client_reference_id": TEXT,
    "customer_creation": ("always", "if_required"),
    "customer_email": TEXT,
    "expand": [TEXT],
    "expires_at": INTEGER,
    "line_items": [
        {
            "price_data": {
                "currency": TEXT,
                "product_data": {"description": TEXT, "metadata": MAP, "name": TEXT, "tax_code": TEXT},
                "tax_behavior": ("exclusive", "inclusive", "unspecified"),
                "unit_amount": INTEGER,
            },
            "quantity": INTEGER,
        }
    ],
    "locale": tuple(_LOCALES),
    "metadata": MAP,
    "mode": ("payment", "setup", "subscription"),
    "payment_intent_data": {"description": TEXT, "metadata": MAP, "receipt_email": TEXT},
    "payment_method_types": [TEXT],
    "success_url": TEXT,
    "submit_type": ("auto", "book", "donate", "pay", "subscribe"),
    "tax_id_collection": {"enabled": BOOLEAN, "required": ("if_supported", "never")},
    "ui_mode": ("hosted_page", "embedded_page", "elements"),
}
CREATE_REFUND: Json = {
    "amount": INTEGER,
    "charge": TEXT,
    "expand": [TEXT],
    "metadata": MAP,
    "payment_intent": TEXT,
    "reason": ("duplicate", "fraudulent", "requested_by_customer"),
}
RETRIEVE: Json = {"expand": [TEXT]}
LISTS: dict[str, Json] = {
    "checkout.session": {**_PAGE, "payment_intent": TEXT, "status": ("complete", "expired", "open")},
    "payment_intent": _PAGE,
    "charge": {**_PAGE, "payment_intent": TEXT},
    "refund": {**_PAGE, "payment_intent": TEXT, "charge": TEXT},
    "dispute": {**_PAGE, "payment_intent": TEXT, "charge": TEXT},
    "event": {**_PAGE, "type": TEXT, "types": [TEXT], "delivery_success": BOOLEAN},
    "balance_transaction": {**_PAGE, "source": TEXT, "type": TEXT},
}
_MIN_EXPIRY_S, _MAX_EXPIRY_S = 30 * 60, 24 * 3600
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+")


class Refused(Exception):
    """The request gets this status and Stripe's body of an error."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": kind}
        if param is not None:
            self.error["param"] = param
        if code is not None:
            self.error |= {"code": code, "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"}


def read_form(encoded: str) -> Json:
    """Read Stripe's form encoding, such as ``line_items[0][quantity]=1``, into nested objects of text."""
    read: Json = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        keys = re.findall(r"[^\[\]]+", name)
        place = read
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return read


def check(params: Json, schema: Json, path: str = "") -> Json:
    """Return the parameters in their types. Raises Refused for those that Stripe does not know."""
    checked: Json = {}
    for key, value in params.items():
        name = f"{path}[{key}]" if path else key
        if key not in schema:
            raise Refused(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
        checked[key] = _check_value(value, schema[key], name)
    return checked


def _check_value(value: Any, schema: Any, name: str) -> Any:
    if isinstance(schema, list):
        if not isinstance(value, dict):
            raise Refused("Invalid array", param=name)
        return [_check_value(each, schema[0], f"{name}[{index}]") for index, each in value.items()]
    if isinstance(schema, dict) or schema == MAP:
        if not isinstance(value, dict):
            raise Refused("Invalid object", param=name)
        return _check_metadata(value, name) if schema == MAP else check(value, schema, name)
    if not isinstance(value, str):
        raise Refused(f"Invalid string: {value}", param=name)
    if isinstance(schema, tuple):
        if value not in schema:
            raise Refused(f"Invalid {name}: must be one of {', '.join(schema[:-1])}, or {schema[-1]}", param=name)
        return value
    return _check_leaf(value, schema, name)


def _check_leaf(value: str, schema: str, name: str) -> Any:
    if schema == INTEGER:
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise Refused(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
        return int(value)
    if schema == BOOLEAN:
        if value not in ("true", "false"):
            raise Refused(f"Invalid boolean: {value}", param=name)
        return value == "true"
    if not value:
        raise Refused(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter.",
            param=name,
            code="parameter_invalid_empty",
        )
    return value


def _check_metadata(value: Json, name: str) -> Json:
    if len(value) > 50 or any(len(key) > 40 or len(str(each)) > 500 for key, each in value.items()):
        raise Refused("Metadata has at most 50 keys of 40 characters and values of 500 characters.", param=name)
    return {key: str(each) for key, each in value.items()}


def require(params: Json, *names: str, path: str = "") -> None:
    for key in names:
        if key not in params:
            name = f"{path}[{key}]" if path else key
            raise Refused(f"Missing required param: {name}.", param=name, code="parameter_missing")


def check_checkout(params: Json, now: int) -> None:
    """Check what the types do not say. Raises Refused."""
    require(params, "mode", "line_items")
    if params["mode"] != "payment":
        raise Refused(f"This stand-in has no mode {params['mode']}", param="mode")
    if params.get("ui_mode", "hosted_page") == "hosted_page":
        require(params, "success_url")
    if not params["line_items"]:
        require({}, "line_items")
    for number, line in enumerate(params["line_items"]):
        _check_line(line, f"line_items[{number}]", taxed=params.get("automatic_tax", {}).get("enabled", False))
    for name in ("success_url", "cancel_url"):
        if name in params and not _URL.fullmatch(params[name]):
            raise Refused("Not a valid URL", param=name, code="url_invalid")
    if "customer_email" in params and not _EMAIL.fullmatch(params["customer_email"]):
        email = params["customer_email"]
        raise Refused(f"Invalid email address: {email}", param="customer_email", code="email_invalid")
    if len(params.get("client_reference_id", "")) > 200:
        raise Refused("Invalid string: must be at most 200 characters", param="client_reference_id")
    in_s = params.get("expires_at", now + _MAX_EXPIRY_S) - now
    if not _MIN_EXPIRY_S <= in_s <= _MAX_EXPIRY_S:
        raise Refused(
            "The `expires_at` timestamp must be 30 minutes to 24 hours from Checkout Session creation.",
            param="expires_at",
        )


def _check_line(line: Json, path: str, *, taxed: bool) -> None:
    require(line, "price_data", "quantity", path=path)
    data, path = line["price_data"], f"{path}[price_data]"
    require(data, "currency", "product_data", "unit_amount", path=path)
    require(data["product_data"], "name", path=f"{path}[product_data]")
    if not re.fullmatch("[a-zA-Z]{3}", data["currency"]):
        raise Refused(f"Invalid currency: {data['currency']}", param=f"{path}[currency]")
    if data["unit_amount"] < 0 or line["quantity"] < 1:
        raise Refused("This value must be greater than or equal to 1.", param=path, code="parameter_invalid_integer")
    if data["unit_amount"] * line["quantity"] < 50:
        raise Refused(
            "The Checkout Session's total amount must convert to at least 50 cents.",
            param=f"{path}[unit_amount]",
            code="amount_too_small",
        )
    if taxed and data.get("tax_behavior", "unspecified") == "unspecified":
        raise Refused("Automatic tax needs a `tax_behavior` for each price.", param=f"{path}[tax_behavior]")
