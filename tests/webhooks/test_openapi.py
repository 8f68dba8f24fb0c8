"""/openapi.json says what the routes really take and answer, to whatever they are sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from flask import Flask, current_app
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core import NotSet
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.webhooks import razorpay_support as razorpay
from tests.webhooks.events import APPLIED, STORED, WEBHOOK_SECRETS, sign
from tests.webhooks.support import RAZORPAY, Answer, FakeSupabase, close_app, settings, user_token
from tests.webhooks.test_metrics import TOLD
from tests.webhooks.test_ops import ALERT, REPLAYED
from webhooks.app import create_app
from webhooks.http.guards import Guard, guard_of, signed_in_user
from webhooks.http.openapi import document
from webhooks.outbox import Outbox
from webhooks.payments.webhook import signed_by_razorpay

WEBHOOK = "/v1/webhooks/razorpay"
CALLBACK = "/v1/conversations/{conversation_id}/payment-callback"
with create_app(settings("http://127.0.0.1:9")).app_context():
    DOCUMENT = document()
PATHS = DOCUMENT["paths"]
OPERATIONS = [(path, method) for path, item in PATHS.items() for method in item]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def app(fake: FakeSupabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The app on a Supabase and a Razorpay that say yes to everything."""
    said: dict[str, Any] = {
        "record_payment_event": STORED,
        "process_payment_event": APPLIED,
        "replay_payment_event": REPLAYED,
        "take_refund_requests": [],
        "list_alerts": [ALERT],
        "resolve_alert": {"id": 12, "status": "resolved"},
        "get_metrics": TOLD,
        "login_cleanup": {"expired": 1, "scrubbed": 0, "deadlines_run": 2, "throttled": False},
        "begin_payment": razorpay.begun(),
        "claim_payment_poll": razorpay.claimed(),
        "attach_payment_order": {
            "outcome": "attached",
            "payment_order_id": razorpay.PAYMENT_ORDER_ID,
            "razorpay_order_id": razorpay.ORDER_ID,
        },
        "apply_payment_snapshot": {
            "outcome": "applied",
            "flow_state": "payment_completed",
            "conversation_id": razorpay.CONVERSATION_ID,
        },
    }
    for function, body in said.items():
        fake.on_rpc(function, body=body)
    fake.answers["/rest/v1/users"] = Answer(200, [])
    order = razorpay.order_entity()
    fake.answers["/v1/orders"] = Answer(200, order)
    fake.answers[f"/v1/orders/{razorpay.ORDER_ID}"] = Answer(200, order)
    fake.answers[f"/v1/orders/{razorpay.ORDER_ID}/payments"] = Answer(200, razorpay.collection())
    # Nothing goes on in the background once a test has ended.
    monkeypatch.setattr(Outbox, "touch", lambda _: None)
    made = create_app(
        settings(fake.url, RAZORPAY_BASE_URL=fake.url, **(RAZORPAY | WEBHOOK_SECRETS))
    )
    yield made
    close_app(made)


def as_in_openapi(rule: str) -> str:
    """`/a/<uuid:b>` as `/a/{b}`."""
    return re.sub(r"<(?:[^>]*:)?(\w+)>", r"{\1}", rule)


def test_every_route_is_described_and_nothing_else_is(app: Flask) -> None:
    routes = {
        (as_in_openapi(rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(OPERATIONS) == routes


def test_what_lets_a_caller_in_is_the_guard_of_the_route(app: Flask) -> None:
    names: dict[Guard | None, Any] = {
        signed_in_user: [{"bearer": []}],
        signed_by_razorpay: [{"razorpay": []}],
    }
    for rule in app.url_map.iter_rules():
        guard = guard_of(app, rule.endpoint.rpartition(".")[0])
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = PATHS[as_in_openapi(rule.rule)][method.lower()]
            assert operation.get("security") == names.get(guard)


def test_each_parameter_of_a_path_is_described(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        for operation in PATHS[as_in_openapi(rule.rule)].values():
            described = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert described == rule.arguments


def test_the_document_is_served_to_anyone(http: httpx.Client) -> None:
    answer = http.get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, DOCUMENT)


def test_the_document_is_written_before_anybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    written_for: list[str] = []
    monkeypatch.setattr("webhooks.app.document", lambda: written_for.append(current_app.name))
    assert written_for == [create_app(settings("http://127.0.0.1:9")).name]


def test_each_operation_has_a_name_of_its_own_that_is_the_views(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = PATHS[as_in_openapi(rule.rule)][method.lower()]
            assert operation["operationId"] == rule.endpoint.rpartition(".")[2]


def as_bytes(body: object) -> bytes:
    """A body to be sent, whatever was made up for it."""
    if isinstance(body, NotSet):
        return b""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def let_in(case: schemathesis.Case[Any], token: str) -> dict[str, str]:
    """The headers of a caller who may call this; what Razorpay signs gets signed."""
    if case.path == WEBHOOK:
        case.body = body = as_bytes(case.body)
        return {"X-Razorpay-Signature": sign(body), "Content-Type": "application/json"}
    if case.path == CALLBACK and isinstance(case.body, dict):
        message = f"{razorpay.ORDER_ID}|{case.body.get('razorpay_payment_id')}"
        secret = RAZORPAY["RAZORPAY_KEY_SECRET"]
        case.body["razorpay_signature"] = sign(message.encode("utf-8", "surrogatepass"), secret)
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_sent_is_answered_as_described(
    fake: FakeSupabase, app: Flask, path: str, method: str
) -> None:
    operation = schemathesis.openapi.from_wsgi("/openapi.json", app)[path][method.upper()]
    token = user_token(fake.url)
    statuses: set[int] = set()

    @hypothesis_settings(
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(*(operation.as_strategy(mode) for mode in GenerationMode)),
        lets_itself_in=st.booleans(),
    )
    def send(case: schemathesis.Case[Any], lets_itself_in: bool) -> None:
        headers: dict[str, str] = {}
        if lets_itself_in:
            headers = let_in(case, token)
        answer = case.call(headers=headers)
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    send()
    assert 200 in statuses
    if "security" in PATHS[path][method]:
        assert 401 in statuses
