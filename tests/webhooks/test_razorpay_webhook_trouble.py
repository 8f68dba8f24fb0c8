"""POST /v1/webhooks/razorpay when something fails, what it sets going, and what it logs."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from typing import Any

import httpx
import pytest

from tests.webhooks.events import (
    APPLIED,
    BODY,
    CONVERSATION_ID,
    EVENT_ID,
    PATH,
    PREVIOUS,
    STORED,
    WEBHOOK_SECRETS,
    assert_let_in,
    sign,
    signed,
)
from tests.webhooks.support import (
    RAZORPAY,
    FakeSupabase,
    Gunicorn,
    close_app,
    settings,
    wait_until,
)
from webhooks.app import create_app
from webhooks.payments.refunds import Refunds
from webhooks.push.pushes import Pushes

# As long as Razorpay waits.
DEADLINE_SECONDS = 5.0
SETTINGS = RAZORPAY | WEBHOOK_SECRETS


def assert_try_again(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (503, {"code": "PGRST001", "message": "at 10.0.0.7"}),
        (500, {"code": "55P03", "message": "lock timeout"}),
        (500, {"code": "P0001", "message": "a fault of ours"}),
        (404, {"code": "PGRST202", "message": "no such function"}),
        (401, {"code": "PGRST301", "message": "no such key"}),
        (422, {"code": "INPUT_INVALID", "message": "No."}),
        (502, "<html>Bad gateway</html>"),
    ],
)
@pytest.mark.parametrize("function", ["record_payment_event", "process_payment_event"])
def test_whatever_fails_behind_us_asks_razorpay_to_send_it_again(
    supabase: FakeSupabase, http: httpx.Client, function: str, status: int, said: Any
) -> None:
    supabase.on_rpc(function, status, said)
    answer = http.post(PATH, content=BODY, headers=signed(BODY))
    assert_try_again(answer)
    assert "10.0.0.7" not in answer.text
    is_stored = function == "process_payment_event"
    assert len(supabase.asked("process_payment_event")) == (1 if is_stored else 0)


def test_a_fault_that_the_database_counts_asks_to_send_it_again(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    waiting = {**APPLIED, "outcome": "try_again", "status": "received"}
    supabase.on_rpc("process_payment_event", body=waiting)
    assert_try_again(http.post(PATH, content=BODY, headers=signed(BODY)))


@pytest.mark.parametrize("function", ["record_payment_event", "process_payment_event"])
def test_a_slow_database_leaves_time_for_the_answer(
    supabase: FakeSupabase, http: httpx.Client, function: str
) -> None:
    release = threading.Event()
    supabase.on_rpc(function, body=APPLIED, release=release)
    started_at = time.monotonic()
    try:
        answer = http.post(PATH, content=BODY, headers=signed(BODY))
    finally:
        release.set()
    assert time.monotonic() - started_at < DEADLINE_SECONDS
    assert_try_again(answer)


def test_a_connection_that_the_database_has_closed_is_opened_anew(supabase: FakeSupabase) -> None:
    supabase.on_rpc("process_payment_event", body=APPLIED, hang_up=True)
    app = create_app(settings(supabase.url, **SETTINGS))
    for _ in range(3):
        answer = app.test_client().post(PATH, data=BODY, headers=signed(BODY))
        assert answer.status_code == 200
        assert supabase.hung_up.wait(20)
        supabase.hung_up.clear()
    close_app(app)


def test_a_database_that_is_not_there_asks_to_send_it_again() -> None:
    app = create_app(settings("http://127.0.0.1:9", **SETTINGS))
    answer = app.test_client().post(PATH, data=BODY, headers=signed(BODY))
    close_app(app)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_without_settings_for_razorpay_payments_are_off() -> None:
    app = create_app(settings("http://127.0.0.1:9"))
    answer = app.test_client().post(PATH, data=BODY, headers=signed(BODY))
    close_app(app)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error_code"]) == (503, "PAYMENTS_OFF")


def test_the_account_and_the_mode_of_the_settings_are_handed_on(supabase: FakeSupabase) -> None:
    live = {"RAZORPAY_KEY_ID": "rzp_live_abcdefgh", "RAZORPAY_ACCOUNT_ID": "acc_KfYSHMpjAGzrkx"}
    app = create_app(settings(supabase.url, **(SETTINGS | live)))
    assert app.test_client().post(PATH, data=BODY, headers=signed(BODY)).status_code == 200
    wait_until(lambda: supabase.asked("take_refund_requests"))
    close_app(app)
    (asked,) = supabase.asked("record_payment_event")
    assert (asked["mode"], asked["account_id"]) == ("live", "acc_KfYSHMpjAGzrkx")


def test_an_event_has_refunds_sent_that_it_may_have_made_due(
    supabase: FakeSupabase, http: httpx.Client
) -> None:
    assert_let_in(http.post(PATH, content=BODY, headers=signed(BODY)))
    wait_until(lambda: supabase.asked("take_refund_requests"))


def test_only_an_event_that_was_taken_in_has_refunds_sent(
    supabase: FakeSupabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    touches: list[str] = []
    monkeypatch.setattr(Refunds, "touch", lambda _: touches.append("refunds"))
    monkeypatch.setattr(Pushes, "touch", lambda _: touches.append("pushes"))
    app = create_app(settings(supabase.url, **SETTINGS))
    client = app.test_client()
    assert client.post(PATH, data=BODY).status_code == 401
    supabase.on_rpc("process_payment_event", body={**APPLIED, "outcome": "try_again"})
    assert client.post(PATH, data=BODY, headers=signed(BODY)).status_code == 503
    assert touches == []
    supabase.on_rpc("process_payment_event", body=APPLIED)
    assert client.post(PATH, data=BODY, headers=signed(BODY)).status_code == 200
    close_app(app)
    assert sorted(touches) == ["pushes", "refunds"]


def test_the_answer_does_not_wait_for_refunds(supabase: FakeSupabase, http: httpx.Client) -> None:
    release = threading.Event()
    supabase.on_rpc("take_refund_requests", body=[], release=release)
    try:
        assert_let_in(http.post(PATH, content=BODY, headers=signed(BODY)))
        wait_until(lambda: supabase.asked("take_refund_requests"))
    finally:
        release.set()


def test_no_other_method_and_no_web_page_has_anything_here(http: httpx.Client) -> None:
    assert http.get(PATH).status_code == 405
    answer = http.post(PATH, headers={"Origin": "https://app.example.com"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def line_about(server: Gunicorn, request_id: str) -> dict[str, Any]:
    """The one line that each request leaves."""
    return server.wait_for(
        lambda line: line.get("request_id") == request_id and line["event"] == "request_finished"
    )


def test_the_log_line_says_which_event_and_order_and_nothing_of_the_payer(
    supabase: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    request_id = uuid.uuid4().hex
    http.post(PATH, content=BODY, headers=signed(BODY, X_Request_Id=request_id))
    line = line_about(server, request_id)
    wanted = {
        "route": PATH,
        "status": 200,
        "event_id": EVENT_ID,
        "event_type": "order.paid",
        "outcome": "applied",
        "order_id": "order_KfYSHMpjAGzrkx",
        "conversation_id": CONVERSATION_ID,
        "flow_state": "payment_completed",
    }
    assert {name: line[name] for name in wanted} == wanted
    assert line["duration_ms"] > 0
    payment = json.loads(BODY)["payload"]["payment"]["entity"]
    assert payment["email"]
    assert payment["contact"]
    private = [payment["email"], payment["contact"], payment["id"], *WEBHOOK_SECRETS.values()]
    private += [sign(BODY), sign(BODY, PREVIOUS), base64.b64encode(BODY).decode()[:60]]
    assert [text for text in private if text in "".join(server.lines)] == []


def test_the_line_of_a_failure_says_how_far_the_event_came(
    supabase: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    for function, outcome in (
        ("process_payment_event", "db_busy"),
        ("record_payment_event", "db_down"),
    ):
        supabase.on_rpc(function, 503, {"code": "PGRST001", "message": "no connection"})
        request_id = uuid.uuid4().hex
        http.post(PATH, content=BODY, headers=signed(BODY, X_Request_Id=request_id))
        line = line_about(server, request_id)
        assert (line["status"], line["outcome"]) == (503, outcome)
        assert line["event_id"] == EVENT_ID


def test_words_of_an_event_that_are_no_code_are_not_logged(
    supabase: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    words = {"event_type": "gaurav@example.com", "razorpay_order_id": "call +91 98765"}
    supabase.on_rpc("record_payment_event", body={**STORED, **words})
    supabase.on_rpc("process_payment_event", body={**APPLIED, **words})
    request_id = uuid.uuid4().hex
    http.post(PATH, content=BODY, headers=signed(BODY, X_Request_Id=request_id))
    line = line_about(server, request_id)
    assert (line["event_type"], line["order_id"]) == (None, None)
