"""Every way in which a call fails, over real HTTP, and the error that callers act on."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from apiflask import APIFlask

from backend.core.database.transaction import TransactionOpen, transaction
from backend.generation.language_models.interface import ModelError, SectionRequest
from backend.generation.language_models.openai.model import OpenAIModel
from backend.generation.language_models.openai.rate_limits import read_retry_after
from tests.generation.openai.calls import write_section
from tests.patience import HANG_S, patient_s, promised
from tests.stand_ins.openai_server import OpenAIStandIn

NOW = datetime(2026, 11, 2, 12, 0, 0, tzinfo=UTC)


def fail(model: OpenAIModel, section: SectionRequest) -> ModelError:
    """Make a call that must fail, and return its error."""
    with pytest.raises(ModelError) as caught:
        write_section(model, section)
    return caught.value


@pytest.mark.parametrize(
    ("rule", "code", "retryable"),
    [
        ({"do": "rate_limit"}, "rate_limited", True),
        (
            {"do": "rate_limit", "message": "Rate limit reached. Add a payment method at /account/billing."},
            "rate_limited",
            True,
        ),
        (
            {"do": "rate_limit", "message": "Request too large for gpt-4o on tokens per min: Limit 100, Requested 200"},
            "context_too_long",
            False,
        ),
        ({"do": "quota_exhausted"}, "quota_exhausted", False),
        ({"do": "payment_required"}, "quota_exhausted", False),
        ({"do": "server_error", "status": 500}, "unavailable", True),
        ({"do": "server_error", "status": 503}, "unavailable", True),
        ({"do": "server_error", "status": 504}, "timeout", True),
        ({"do": "server_error", "status": 409}, "unavailable", True),
        ({"do": "server_error", "status": 413}, "context_too_long", False),
        ({"do": "context_too_long"}, "context_too_long", False),
        (
            {"do": "server_error", "message": "the request exceeds the available context size, try increasing it"},
            "context_too_long",
            False,
        ),
        ({"do": "unauthorized"}, "misconfigured", False),
        ({"do": "forbidden"}, "misconfigured", False),
        ({"do": "unknown_model"}, "misconfigured", False),
        ({"do": "bad_request", "message": "Invalid value: 'x'."}, "misconfigured", False),
        ({"do": "bad_request", "code": "content_filter"}, "refused", False),
        ({"do": "refusal"}, "refused", False),
        ({"do": "content_filter"}, "refused", False),
        ({"do": "invalid_json"}, "bad_output", True),
        ({"do": "html"}, "bad_output", True),
        ({"do": "not_a_completion"}, "bad_output", True),
        ({"do": "reset"}, "unavailable", True),
        ({"do": "close"}, "unavailable", True),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values())[:40] if isinstance(value, dict) else None,
)
def test_failure_has_its_code(
    model: OpenAIModel,
    server: OpenAIStandIn,
    section: SectionRequest,
    rule: dict[str, object],
    code: str,
    retryable: bool,
) -> None:
    server.set_script([rule])
    error = fail(model, section)
    assert (error.code, error.retryable) == (code, retryable)


@pytest.mark.parametrize("behaviour", ["rate_limit", "unauthorized", "reset", "invalid_json", "refusal", "html"])
def test_a_failed_call_is_not_repeated(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, behaviour: str
) -> None:
    server.set_script([{"do": behaviour}])
    fail(model, section)
    assert len(server.calls) == 1


def test_unreachable_server(make_model: Callable[..., OpenAIModel], section: SectionRequest) -> None:
    with OpenAIStandIn() as gone:
        url = gone.url
    error = fail(make_model(base_url=url), section)
    assert (error.code, error.retryable) == ("unavailable", True)


@pytest.mark.parametrize("behaviour", ["refusal", "content_filter", "invalid_json"])
def test_usage_of_a_failed_call_is_kept(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, behaviour: str
) -> None:
    server.set_script([{"do": behaviour}])
    usage = fail(model, section).usage
    assert usage.input_tokens == server.calls[0]["prompt_tokens"] > 0
    assert usage.calls == 1


def test_the_key_is_in_no_message(model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest) -> None:
    server.set_script([{"do": "unauthorized"}])
    error = fail(model, section)
    assert "sk-" not in str(error)
    assert "401" in str(error)


@pytest.mark.parametrize(
    ("retry_after", "low", "high"),
    [
        ("7", 7.0, 7.0),
        ("0.25", 0.25, 0.25),
        ("in ten minutes", 600.0 - HANG_S, 600.0),
        ("", 90.0, 90.0),
    ],
    ids=["seconds", "fraction", "date", "x-ratelimit"],
)
def test_delay_that_the_vendor_asks_for_is_passed_on(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, retry_after: str, low: float, high: float
) -> None:
    if retry_after == "in ten minutes":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    server.set_script([{"do": "rate_limit", "retry_after": retry_after}])
    waiting = fail(model, section).retry_after_s
    assert waiting is not None
    assert low <= waiting <= high


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 02 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 02 Nov 2026 13:00:30 +0100"}, 30.0),
        ({"retry-after": "Mon, 02 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "1m0.5s"}, 60.5),
        ({"x-ratelimit-reset-requests": "1h2m"}, 3720.0),
    ],
)
def test_retry_after_is_read_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    "rule",
    [
        {"do": "sleep", "seconds": 30},
        {"do": "drip", "seconds": 0.05},
        {"do": "drip_headers", "seconds": 0.2},
    ],
    ids=lambda rule: rule["do"],
)
def test_deadline_holds_however_slow_the_server_is(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest, rule: dict[str, object]
) -> None:
    server.set_script([rule])
    with promised("the call", 5.0):
        error = fail(make_model(timeout_s=0.6), section)
    assert (error.code, error.retryable) == ("timeout", True)


def test_a_call_after_a_timeout_works(
    make_model: Callable[..., OpenAIModel], server: OpenAIStandIn, section: SectionRequest
) -> None:
    server.set_script([{"do": "drip", "seconds": 0.05, "on": [1]}])
    # The second call must not need longer.
    model = make_model(timeout_s=patient_s(1.0))
    fail(model, section)
    assert write_section(model, section).flashcards


def test_a_forked_child_opens_its_own_connection(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest
) -> None:
    write_section(model, section)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if write_section(model, section).flashcards else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert write_section(model, section).flashcards
    assert (server.connections, len(server.calls)) == (2, 3)


def test_environment_does_not_redirect_the_calls(
    make_model: Callable[..., OpenAIModel],
    server: OpenAIStandIn,
    section: SectionRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    # Nothing listens on the discard port: the call to OpenAI's own address does not leave this machine.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert fail(make_model(base_url=None), section).code == "unavailable"
    assert server.calls == []


def test_no_call_is_made_while_a_transaction_is_open(
    model: OpenAIModel, server: OpenAIStandIn, section: SectionRequest, app: APIFlask
) -> None:
    with app.app_context(), pytest.raises(TransactionOpen), transaction():
        write_section(model, section)
    assert server.calls == []
