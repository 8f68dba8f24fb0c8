"""The routes for operators: asked as the user, so that the database says who is one."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.webhooks.support import Answer, FakeSupabase, api_key, close_app, settings, user_token
from webhooks.app import create_app

ALERT = {
    "id": 12,
    "kind": "double_payment",
    "severity": "critical",
    "status": "open",
    "conversation_id": "00000000-0000-4000-8000-0000000000c1",
    "razorpay_order_id": "order_KfYSHMpjAGzrkx",
    "razorpay_payment_id": "pay_KfYSHMpjAGzrkx",
    "event_row_id": 7,
    "details": {"amount_minor": 500000},
    "seen": 1,
    "first_seen_at": "2026-11-21T10:00:00+00:00",
    "last_seen_at": "2026-11-21T10:00:00+00:00",
    "resolved_at": None,
    "note": None,
    "dispute_days": None,
    "reminder": None,
}
REPLAYED = {
    "outcome": "applied",
    "status": "processed",
    "event_type": "order.paid",
    "conversation_id": "00000000-0000-4000-8000-0000000000c1",
    "flow_state": "payment_completed",
    "razorpay_order_id": "order_KfYSHMpjAGzrkx",
    "razorpay_payment_id": "pay_KfYSHMpjAGzrkx",
}
REQUEST = {
    "refund_id": "00000000-0000-4000-8000-0000000000f1",
    "conversation_id": "00000000-0000-4000-8000-0000000000c1",
    "payment_id": "pay_KfYSHMpjAGzrkx",
    "amount_minor": 500000,
    "currency": "INR",
    "mode": "test",
    "idempotency_key": "refund-00000000-0000-4000-8000-0000000000f1-1",
    "razorpay_refund_id": "rfnd_KfYSHMpjAGzrkx",
    "receipt": "00000000-0000-4000-8000-0000000000f1",
    "notes": {"reason": "The chat was closed."},
}
ROUTES = [
    ("POST", "/v1/ops/refunds", "take_refund_requests"),
    ("GET", "/v1/ops/alerts", "list_alerts"),
    ("POST", "/v1/ops/alerts/12/resolve", "resolve_alert"),
    ("POST", "/v1/ops/events/7/replay", "replay_payment_event"),
]


@pytest.fixture
def operator(fake: FakeSupabase) -> dict[str, str]:
    """The headers of a signed-in user; who is an operator the stand-in says."""
    fake.on_rpc("take_refund_requests", body=[])
    return {"Authorization": f"Bearer {user_token(fake.url)}"}


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


@pytest.mark.parametrize(("method", "path", "function"), ROUTES)
def test_the_database_is_asked_as_the_user_and_refuses_who_is_no_operator(
    fake: FakeSupabase,
    http: httpx.Client,
    operator: dict[str, str],
    method: str,
    path: str,
    function: str,
) -> None:
    fake.on_rpc(function, 403, {"code": "FORBIDDEN", "message": "For operators.", "details": None})
    assert_refused(http.request(method, path, headers=operator), 403, "FORBIDDEN")
    calls = [asked for asked in fake.received if asked.path == f"/rest/v1/rpc/{function}"]
    assert operator["Authorization"] in [asked.headers["authorization"] for asked in calls]


@pytest.mark.parametrize(("method", "path", "function"), ROUTES)
def test_nobody_is_let_in_with_a_key_of_the_project(
    fake: FakeSupabase, http: httpx.Client, method: str, path: str, function: str
) -> None:
    for role in ("anon", "service_role"):
        headers = {"Authorization": f"Bearer {api_key(role)}"}
        assert_refused(http.request(method, path, headers=headers), 401, "AUTH_REQUIRED")


def test_alerts_are_shown_as_the_database_lists_them(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str]
) -> None:
    fake.on_rpc("list_alerts", body=[ALERT])
    answer = http.get("/v1/ops/alerts", headers=operator)
    assert (answer.status_code, answer.json()) == (200, [ALERT])
    assert fake.asked("list_alerts") == [{}]


def test_what_is_chosen_in_the_query_is_handed_on(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str]
) -> None:
    fake.on_rpc("list_alerts", body=[])
    chosen: dict[str, Any] = {
        "status": "resolved",
        "severity": "critical",
        "page_size": 10,
        "before": 2**63 - 1,
    }
    answer = http.get("/v1/ops/alerts", params=chosen, headers=operator)
    assert (answer.status_code, answer.json()) == (200, [])
    assert fake.asked("list_alerts") == [chosen]


@pytest.mark.parametrize(
    "query",
    [
        "page_size=",
        "page_size=0",
        "page_size=-1",
        "page_size=ten",
        "page_size=1.5",
        "page_size=2147483648",
        f"page_size={'9' * 5000}"[:1900],
        "page_size=%D9%A1",
        "before=9223372036854775808",
        "before=null",
        "status=",
        "status=open%00",
        "status=%FF",
        "severity=",
        "status='; drop table alerts",
    ],
)
def test_a_query_that_makes_no_sense_is_a_bad_request(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str], query: str
) -> None:
    assert_refused(http.get(f"/v1/ops/alerts?{query}", headers=operator), 400, "BAD_REQUEST")
    assert fake.asked("list_alerts") == []


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (b"", None),
        (b"{}", None),
        (b'{"note": null}', None),
        (b'{"note": "Refunded by hand."}', "Refunded by hand."),
        ('{"note": "हो गया"}'.encode(), "हो गया"),
    ],
)
def test_an_alert_is_resolved_with_a_note_or_without(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str], body: bytes, note: str | None
) -> None:
    fake.on_rpc("resolve_alert", body={"id": 12, "status": "resolved"})
    answer = http.post("/v1/ops/alerts/12/resolve", content=body, headers=operator)
    assert (answer.status_code, answer.json()) == (200, {"id": 12, "status": "resolved"})
    assert fake.asked("resolve_alert") == [{"alert_id": 12, "note": note}]


@pytest.mark.parametrize(
    "body",
    [
        b"note",
        b"[]",
        b"null",
        b'"note"',
        b'{"note": 1}',
        b'{"note": ["x"]}',
        b'{"note": "\\u0000"}',
        b'{"note": "\\ud800"}',
        b'{"note": "\xff"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_makes_no_sense_is_a_bad_request(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str], body: bytes
) -> None:
    answer = http.post("/v1/ops/alerts/12/resolve", content=body, headers=operator)
    assert_refused(answer, 400, "BAD_REQUEST")
    assert fake.asked("resolve_alert") == []


def test_what_the_database_refuses_is_passed_on(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str]
) -> None:
    details = {"field": "alert_id", "rule": "open"}
    said = {"code": "INPUT_INVALID", "message": "No such alert.", "details": json.dumps(details)}
    fake.on_rpc("resolve_alert", 422, said)
    answer = http.post("/v1/ops/alerts/12/resolve", headers=operator)
    assert_refused(answer, 422, "INPUT_INVALID")
    assert answer.json()["details"] == details


@pytest.mark.parametrize("row", ["0x7", "-7", "seven", str(2**63), "9" * 400, ""])
@pytest.mark.parametrize("path", ["/v1/ops/alerts/{}/resolve", "/v1/ops/events/{}/replay"])
def test_what_is_no_row_is_not_found(
    http: httpx.Client, operator: dict[str, str], path: str, row: str
) -> None:
    assert_refused(http.post(path.format(row), headers=operator), 404, "NOT_FOUND")


def test_an_event_is_replayed(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str]
) -> None:
    fake.on_rpc("replay_payment_event", body=REPLAYED)
    answer = http.post("/v1/ops/events/7/replay", headers=operator)
    assert (answer.status_code, answer.json()) == (200, REPLAYED)
    assert fake.asked("replay_payment_event") == [{"event_row_id": 7}]


def test_without_refunds_that_are_due_none_is_sent(
    http: httpx.Client, operator: dict[str, str]
) -> None:
    answer = http.post("/v1/ops/refunds", headers=operator)
    assert (answer.status_code, answer.json()) == (200, {"taken": 0, "outcomes": {}})


def test_refunds_are_sent_at_once_and_their_outcomes_told(
    fake: FakeSupabase, http: httpx.Client, operator: dict[str, str]
) -> None:
    # The stand-in hands the same one out again and again; a round ends all the same.
    fake.on_rpc("take_refund_requests", body=[REQUEST])
    fake.on_rpc("record_refund_result", body={"outcome": "refund_processed"})
    sent = {"id": REQUEST["razorpay_refund_id"], "entity": "refund", "status": "processed"}
    path = f"/v1/payments/{REQUEST['payment_id']}/refunds/{REQUEST['razorpay_refund_id']}"
    fake.answers[path] = Answer(200, sent)
    said = http.post("/v1/ops/refunds", headers=operator).json()
    assert said["taken"] > 0
    assert said == {"taken": said["taken"], "outcomes": {"refund_processed": said["taken"]}}
    told = fake.asked("record_refund_result")[0]
    assert (told["refund_id"], told["entity"]) == (REQUEST["refund_id"], sent)


def test_without_settings_for_razorpay_no_refund_can_be_sent(
    fake: FakeSupabase, operator: dict[str, str]
) -> None:
    app = create_app(settings(fake.url))
    answer = app.test_client().post("/v1/ops/refunds", headers=operator)
    close_app(app)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error_code"]) == (503, "PAYMENTS_OFF")
