"""Stripe's API over an account: routes, keys, idempotency, pages and expansion."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.stand_ins.stripe_account import StripeAccount
from tests.stand_ins.stripe_objects import new_id
from tests.stand_ins.stripe_parameters import (
    CREATE_CHECKOUT,
    CREATE_REFUND,
    LISTS,
    RETRIEVE,
    Refused,
    check,
    check_checkout,
    read_form,
)
from tests.stand_ins.stripe_shapes import render

Json = dict[str, Any]
TEST_KEY, LIVE_KEY = "sk_test_stand_in_0123456789", "sk_live_stand_in_0123456789"
_PATHS = {
    "checkout/sessions": "checkout.session",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "events": "event",
    "balance_transactions": "balance_transaction",
}
_FILTERS = ("payment_intent", "charge", "status", "source", "type")
_MAX_DEPTH = 4
# A dispute that may still be refunded.
_INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    form: str
    api_key: str
    version: str
    idempotency_key: str | None


@dataclass(frozen=True)
class Response:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Kept:
    """The outcome of a request with an idempotency key; none while it is in progress."""

    request: tuple[str, str, str]
    response: Response | None = None


class StripeApi:
    """Answers requests. ``keys`` are the API keys, each with whether it is a live one."""

    def __init__(self, account: StripeAccount) -> None:
        self.account = account
        self.keys = {TEST_KEY: False, LIVE_KEY: True}
        self._kept: dict[tuple[bool, str], _Kept] = {}
        self._lock = threading.Lock()

    def respond(self, request: Request, before: Callable[[], None] = lambda: None) -> Response:
        """Answer a request. ``before`` is called after the idempotency key was reserved."""
        headers = {"Request-Id": new_id("req", 14), "Stripe-Version": request.version}
        try:
            if request.api_key not in self.keys:
                shown = f"{request.api_key[:7]}****{request.api_key[-4:]}"
                raise Refused(f"Invalid API Key provided: {shown}", status=401)
            response = self._respond_once(request, before)
        except Refused as refused:
            response = Response(refused.status, {"error": refused.error})
        return Response(response.status, response.body, {**headers, **response.headers})

    def forget_keys(self) -> None:
        """Forget all idempotency keys, as Stripe does after a day or more."""
        with self._lock:
            self._kept.clear()

    def _respond_once(self, request: Request, before: Callable[[], None]) -> Response:
        key = request.idempotency_key
        if request.method != "POST" or not key:
            before()
            return self._perform(request)
        asked = (request.method, request.path, request.form)
        slot = (self.keys[request.api_key], key)
        with self._lock:
            kept = self._kept.setdefault(slot, _Kept(asked))
            is_first = kept.response is None and kept.request is asked
        if not is_first:
            return self._replay(kept, asked)
        try:
            before()
            kept.response = self._perform(request)
        except BaseException:
            # Parameters that were refused do not use the key up.
            with self._lock:
                self._kept.pop(slot, None)
            raise
        return kept.response

    def _replay(self, kept: _Kept, asked: tuple[str, str, str]) -> Response:
        if kept.request != asked:
            raise Refused(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                kind="idempotency_error",
            )
        if kept.response is None:
            raise Refused(
                "There is currently another in-progress request using this Idempotency-Key.",
                kind="idempotency_error",
                code="idempotency_key_in_use",
                status=409,
            )
        return Response(kept.response.status, kept.response.body, {"Idempotent-Replayed": "true"})

    def _perform(self, request: Request) -> Response:
        params = read_form(request.form)
        livemode = self.keys[request.api_key]
        kind, object_id, verb = self._route(request)
        with self.account.lock:
            match request.method, verb:
                case "GET", "list":
                    found = self._list(kind, check(params, LISTS[kind]), livemode, request.path)
                    expand = params.get("expand", {})
                case "GET", "line_items":
                    checkout = self._get(kind, object_id, livemode)
                    found = _as_list(self.account.lines(checkout["id"]), request.path)
                    expand = {}
                case "GET", "retrieve":
                    expand = check(params, RETRIEVE).get("expand", [])
                    found = self._get(kind, object_id, livemode)
                case "POST", _:
                    found, expand = self._post(kind, object_id, verb, params, livemode, request.idempotency_key)
                case _:
                    raise self._unknown(request)
            paths = list(expand.values()) if isinstance(expand, dict) else expand
            body: Json = json.loads(json.dumps(found))
            for path in paths:
                self._expand(body, path.split("."), path, livemode)
            return Response(200, self._show(body, request.version))

    def _route(self, request: Request) -> tuple[str, str, str]:
        """Return the kind of object, its id if there is one, and the verb."""
        path = request.path.removeprefix("/v1/")
        for prefix, kind in _PATHS.items():
            if path == prefix:
                return kind, "", "list" if request.method == "GET" else "create"
            if path.startswith(f"{prefix}/"):
                object_id, _, verb = path.removeprefix(f"{prefix}/").partition("/")
                return kind, object_id, verb or "retrieve"
        raise self._unknown(request)

    def _unknown(self, request: Request) -> Refused:
        return Refused(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _post(
        self, kind: str, object_id: str, verb: str, params: Json, livemode: bool, key: str | None
    ) -> tuple[Json, list[str]]:
        match kind, verb:
            case "checkout.session", "create":
                checked = check(params, CREATE_CHECKOUT)
                check_checkout(checked, self.account.now())
                return self.account.open_checkout(checked, livemode=livemode), checked.get("expand", [])
            case "checkout.session", "expire":
                checked = check(params, RETRIEVE)
                checkout = self._get(kind, object_id, livemode)
                if checkout["status"] != "open":
                    raise Refused(
                        'Only Checkout Sessions with a status in ["open"] can be expired. '
                        f"This Checkout Session has a status of {checkout['status']}."
                    )
                self.account.expire(object_id)
                return checkout, checked.get("expand", [])
            case "refund", "create":
                checked = check(params, CREATE_REFUND)
                return self._refund(checked, livemode, key), checked.get("expand", [])
        raise Refused(f"Unrecognized request URL (POST: {kind} {verb}).", status=404)

    def _refund(self, params: Json, livemode: bool, key: str | None) -> Json:
        names = [name for name in ("payment_intent", "charge") if name in params]
        if len(names) != 1:
            raise Refused("One of the following params should be provided for this request: payment_intent or charge.")
        payment = self._get(names[0], params[names[0]], livemode)
        charge = self.account.paid_charge(payment["id"])
        if charge is None:
            raise Refused(f"This PaymentIntent ({payment['id']}) does not have a successful charge to refund.")
        left = self.account.refundable(charge)
        amount = params.get("amount", left)
        if not left:
            raise Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        disputes = self.account.objects("dispute", livemode=livemode)
        if any(each["charge"] == charge["id"] and each["status"] not in (*_INQUIRIES, "won") for each in disputes):
            raise Refused(
                f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
            )
        if amount < 1:
            raise Refused(
                "This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer"
            )
        if amount > left:
            raise Refused(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                param="amount",
                code="amount_too_large",
            )
        made = self.account.refund(
            charge["id"], amount, reason=params.get("reason"), metadata=params.get("metadata"), key=key
        )
        return self._get("refund", made[0]["data"]["object"]["id"], livemode)

    def _get(self, kind: str, object_id: str, livemode: bool) -> Json:
        found = self.account.find(object_id, livemode=livemode)
        if found is not None and found["object"] == kind:
            return found
        message = f"No such {kind.removesuffix('.session')}: '{object_id}'"
        if self.account.is_in_other_mode(object_id, livemode=livemode):
            mine, other = ("live", "test") if livemode else ("test", "live")
            message += (
                f"; a similar object exists in {other} mode, but a {mine} mode key was used to make this request."
            )
        raise Refused(message, param="id", code="resource_missing", status=404)

    def _list(self, kind: str, params: Json, livemode: bool, path: str) -> Json:
        limit = params.get("limit", 10)
        if not 1 <= limit <= 100:
            raise Refused(f"This value must be between 1 and 100: {limit}.", param="limit")
        newest_first = [o for o in self.account.objects(kind, livemode=livemode)[::-1] if _matches(o, params)]
        ids = [each["id"] for each in newest_first]
        for cursor in ("starting_after", "ending_before"):
            if cursor in params and params[cursor] not in ids:
                self._get(kind, params[cursor], livemode)
        if "ending_before" in params:
            before = newest_first[: ids.index(params["ending_before"])]
            return _as_list(before[-limit:], path, has_more=len(before) > limit)
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        return _as_list(newest_first[start : start + limit], path, has_more=len(ids) > start + limit)

    def _expand(self, place: Json, keys: list[str], path: str, livemode: bool) -> None:
        """Replace the id at a path, such as "payment_intent.latest_charge", by its object."""
        if len(path.split(".")) > _MAX_DEPTH:
            raise Refused(f"You cannot expand more than {_MAX_DEPTH} levels of a property.", param="expand")
        key, rest = keys[0], keys[1:]
        if key == "line_items" and place.get("object") == "checkout.session":
            place[key] = _as_list(self.account.lines(place["id"]), f"/v1/checkout/sessions/{place['id']}/line_items")
            return
        if key not in place:
            raise Refused(f"This property cannot be expanded ({path}).", param="expand")
        if isinstance(place[key], str):
            found = self.account.find(place[key], livemode=livemode)
            if found is None:
                raise Refused(f"This property cannot be expanded ({path}).", param="expand")
            place[key] = json.loads(json.dumps(found))
        if rest:
            for each in place[key] if isinstance(place[key], list) else [place[key]]:
                if each is not None:
                    self._expand(each, rest, path, livemode)

    def _show(self, body: Json, version: str) -> Json:
        """Show events in their own version, whatever version the request asked for."""
        if body["object"] == "event":
            return show_event(body, body["api_version"])
        if body["object"] == "list":
            return {**body, "data": [self._show(each, version) for each in body["data"]]}
        shown: Json = render(body, version)
        return shown


def show_event(event: Json, version: str) -> Json:
    """Return an event as an endpoint with this API version gets it."""
    shown: Json = render(event, version)
    shown["api_version"] = version
    return shown


def _matches(each: Json, params: Json) -> bool:
    created = params.get("created", {})
    if each["created"] < created.get("gte", 0) or each["created"] <= created.get("gt", -1):
        return False
    if each["created"] > created.get("lte", each["created"]) or each["created"] >= created.get("lt", 1 << 60):
        return False
    if "types" in params and each["type"] not in params["types"]:
        return False
    if "delivery_success" in params and (each["pending_webhooks"] == 0) != params["delivery_success"]:
        return False
    return all(_is_like(each[name], params[name]) for name in _FILTERS if name in params)


def _is_like(value: str, wanted: str) -> bool:
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def _as_list(data: list[Json], path: str, *, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": path}
