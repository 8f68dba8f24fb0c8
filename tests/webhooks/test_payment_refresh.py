"""POST /v1/conversations/<id>/payment-refresh: Razorpay is asked, now and then, how it stands."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.webhooks.razorpay_support import (
    CONVERSATION_ID,
    ORDER_ID,
    PAYMENT_ORDER_ID,
    at_razorpay,
    body_of,
    calls,
    claimed,
    collection,
    order_entity,
)
from tests.webhooks.support import (
    USER_ID,
    Answer,
    FakeSupabase,
    api_key,
    user_token,
)

PATH = f"/v1/conversations/{CONVERSATION_ID}/payment-refresh"
PAID = body_of("api.order.fetch.paid")
PAYMENTS = body_of("api.order.payments")
COMPLETED = {
    "outcome": "applied",
    "flow_state": "payment_completed",
    "conversation_id": CONVERSATION_ID,
}


@pytest.fixture
def paid(fake: FakeSupabase) -> FakeSupabase:
    """An order that was paid at Razorpay, of which the database has not heard."""
    fake.on_rpc("claim_payment_poll", body=claimed())
    fake.on_rpc("apply_payment_snapshot", body=COMPLETED)
    fake.answers[f"GET /v1/orders/{ORDER_ID}"] = Answer(200, PAID)
    fake.answers[f"GET /v1/orders/{ORDER_ID}/payments"] = Answer(200, PAYMENTS)
    return fake


def refresh(http: httpx.Client, fake: FakeSupabase) -> httpx.Response:
    """Somebody opens the chat."""
    return http.post(PATH, headers={"Authorization": f"Bearer {user_token(fake.url)}"})


def said(http: httpx.Client, fake: FakeSupabase) -> dict[str, Any]:
    """The answer, which is never a refusal here."""
    answer = refresh(http, fake)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def not_polled(outcome: str) -> dict[str, Any]:
    return {"polled": False, "flow_state": "payment_pending", "outcome": outcome}


def test_a_payment_whose_webhook_never_came_completes_when_the_chat_is_opened(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    assert said(http, paid) == {
        "polled": True,
        "flow_state": "payment_completed",
        "outcome": "applied",
    }
    assert paid.asked("claim_payment_poll") == [
        {"conversation_id": CONVERSATION_ID, "user_id": USER_ID, "min_gap_seconds": 20}
    ]
    (snapshot,) = paid.asked("apply_payment_snapshot")
    assert snapshot == {
        "payment_order_id": PAYMENT_ORDER_ID,
        "order_entity": PAID,
        "payments": PAYMENTS,
        "actor": f"reconcile:{USER_ID}",
        "mode": "test",
    }
    for function in ("claim_payment_poll", "apply_payment_snapshot"):
        (call,) = calls(paid, f"/rest/v1/rpc/{function}")
        assert call.headers["apikey"] == api_key("service_role")


@pytest.mark.parametrize(
    ("claim", "outcome"),
    [
        (claimed(claimed=False, retry_after=7), "too_soon"),
        (claimed(claimed=False, order_status="paid"), "noop"),
        (
            claimed(
                claimed=False,
                payment_order_id=None,
                receipt=None,
                razorpay_order_id=None,
                order_status=None,
                retry_after=1,
            ),
            "no_order",
        ),
    ],
    ids=["too_soon", "noop", "no_order"],
)
def test_without_a_claim_razorpay_is_left_alone(
    paid: FakeSupabase, http: httpx.Client, claim: dict[str, Any], outcome: str
) -> None:
    paid.on_rpc("claim_payment_poll", body=claim)
    assert said(http, paid) == not_polled(outcome)
    assert at_razorpay(paid) == []
    assert paid.asked("apply_payment_snapshot") == []


def test_an_order_whose_id_got_lost_is_found_by_its_receipt(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    order = order_entity(status="paid")
    paid.on_rpc("claim_payment_poll", body=claimed(razorpay_order_id=None))
    paid.answers["GET /v1/orders"] = Answer(200, collection(order))
    assert said(http, paid)["outcome"] == "applied"
    (search,) = calls(paid, "/v1/orders")
    assert parse_qs(search.query) == {"receipt": [PAYMENT_ORDER_ID]}
    (snapshot,) = paid.asked("apply_payment_snapshot")
    assert (snapshot["order_entity"], snapshot["payments"]) == (order, PAYMENTS)


def test_an_order_that_razorpay_never_made_is_told_as_none(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    paid.on_rpc("claim_payment_poll", body=claimed(razorpay_order_id=None))
    paid.on_rpc("apply_payment_snapshot", body=COMPLETED | {"outcome": "noop"})
    paid.answers["GET /v1/orders"] = Answer(200, collection())
    assert said(http, paid)["polled"] is True
    (snapshot,) = paid.asked("apply_payment_snapshot")
    assert (snapshot["order_entity"], snapshot["payments"]) == (None, [])


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(502, "<html>Bad gateway</html>"), "gateway_unavailable"),
        (Answer(401, body_of("api.error.auth")), "gateway_unavailable"),
        (Answer(429, {"error": None}), "gateway_unavailable"),
        (Answer(400, body_of("api.error.order_not_found")), "gateway_refused"),
    ],
    ids=["502", "401", "429", "400"],
)
@pytest.mark.parametrize("path", [f"/v1/orders/{ORDER_ID}", f"/v1/orders/{ORDER_ID}/payments"])
def test_trouble_at_razorpay_is_no_refusal(
    paid: FakeSupabase, http: httpx.Client, path: str, answer: Answer, outcome: str
) -> None:
    paid.answers[f"GET {path}"] = answer
    assert said(http, paid) == not_polled(outcome)
    assert paid.asked("apply_payment_snapshot") == []


def test_an_answer_that_cannot_be_unpacked_is_no_refusal(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    paid.answers[f"GET /v1/orders/{ORDER_ID}"] = Answer(
        200, "{", headers={"Content-Encoding": "gzip"}
    )
    assert said(http, paid) == not_polled("gateway_unavailable")


def test_notes_that_no_database_takes_do_not_keep_a_payment_from_being_seen(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    payment = PAYMENTS["items"][1] | {"notes": {"a": "b\0c\ud800"}}
    paid.answers[f"GET /v1/orders/{ORDER_ID}/payments"] = Answer(200, collection(payment))
    assert said(http, paid)["outcome"] == "applied"
    (snapshot,) = paid.asked("apply_payment_snapshot")
    assert snapshot["payments"]["items"] == [payment | {"notes": {"a": "bc?"}}]


def test_a_stranger_gets_the_answer_of_the_database(paid: FakeSupabase, http: httpx.Client) -> None:
    body = {"code": "CONVERSATION_NOT_FOUND", "message": "Not here.", "details": None}
    paid.on_rpc("claim_payment_poll", 404, body)
    answer = refresh(http, paid)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "CONVERSATION_NOT_FOUND")
    assert at_razorpay(paid) == []


def test_a_database_that_cannot_take_the_answer_is_to_be_asked_again(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    paid.on_rpc("apply_payment_snapshot", 500, {"code": "55P03", "message": "lock"})
    answer = refresh(http, paid)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")


def test_questions_are_counted_by_their_result(paid: FakeSupabase, http: httpx.Client) -> None:
    def counted() -> float:
        lines = http.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith('reconcile_total{result="applied"}')]
        return float(found[0].split(" ")[1]) if found else 0.0

    before = counted()
    said(http, paid)
    assert counted() == before + 1
