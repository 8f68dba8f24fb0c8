"""POST /v1/conversations/<id>/payment-callback: what checkout gave the browser moves nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from tests.webhooks.razorpay_support import (
    CONVERSATION_ID,
    ORDER_ID,
    PAYMENT_ID,
    at_razorpay,
    body_of,
    claimed,
)
from tests.webhooks.support import (
    RAZORPAY,
    USER_ID,
    Answer,
    FakeSupabase,
    Gunicorn,
    user_token,
)

PATH = f"/v1/conversations/{CONVERSATION_ID}/payment-callback"


def checkout_says(
    order_id: str = ORDER_ID, payment_id: str = PAYMENT_ID, **changes: Any
) -> dict[str, Any]:
    """What Razorpay's checkout hands to the page after a payment."""
    key = RAZORPAY["RAZORPAY_KEY_SECRET"].encode()
    message = f"{order_id}|{payment_id}".encode()
    return {
        "razorpay_payment_id": payment_id,
        "razorpay_order_id": order_id,
        "razorpay_signature": hmac.new(key, message, hashlib.sha256).hexdigest(),
        **changes,
    }


@pytest.fixture
def paid(fake: FakeSupabase) -> FakeSupabase:
    """An order that was paid at Razorpay, of which the database has not heard."""
    fake.on_rpc("claim_payment_poll", body=claimed())
    fake.on_rpc(
        "apply_payment_snapshot",
        body={
            "outcome": "applied",
            "flow_state": "payment_completed",
            "conversation_id": CONVERSATION_ID,
        },
    )
    fake.answers[f"GET /v1/orders/{ORDER_ID}"] = Answer(200, body_of("api.order.fetch.paid"))
    fake.answers[f"GET /v1/orders/{ORDER_ID}/payments"] = Answer(200, body_of("api.order.payments"))
    return fake


def call_back(http: httpx.Client, fake: FakeSupabase, body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {user_token(fake.url)}"}
    # Written here: httpx cannot write half a surrogate pair.
    return http.post(PATH, headers=headers, content=json.dumps(body))


def refused(answer: httpx.Response, code: str) -> bool:
    return (answer.status_code, answer.json()["error_code"]) == (400, code)


def test_what_checkout_says_is_a_reason_to_ask_razorpay_at_once(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    answer = call_back(http, paid, checkout_says())
    assert answer.status_code == 200
    assert answer.json() == {
        "polled": True,
        "flow_state": "payment_completed",
        "outcome": "applied",
    }
    asked = {"conversation_id": CONVERSATION_ID, "user_id": USER_ID}
    assert paid.asked("claim_payment_poll") == [
        {**asked, "min_gap_seconds": None},
        {**asked, "min_gap_seconds": 2},
    ]
    assert len(paid.asked("apply_payment_snapshot")) == 1


@pytest.mark.parametrize(
    "body",
    [
        checkout_says(razorpay_signature="0" * 64),
        checkout_says(razorpay_signature="short"),
        checkout_says(razorpay_signature="\N{LATIN SMALL LETTER E WITH ACUTE}" * 64),
        checkout_says(razorpay_payment_id="pay_Another0000000"),
        # A true signature of another order, with and without admitting it.
        checkout_says(order_id="order_Cheap000000001"),
        checkout_says(order_id="order_Cheap000000001", razorpay_order_id=ORDER_ID),
    ],
    ids=["zeros", "short", "not_ascii", "payment", "order", "order_hidden"],
)
def test_a_forged_success_moves_nothing_and_asks_nobody(
    paid: FakeSupabase, http: httpx.Client, body: dict[str, Any]
) -> None:
    assert refused(call_back(http, paid, body), "BAD_SIGNATURE")
    assert at_razorpay(paid) == []
    assert paid.asked("apply_payment_snapshot") == []
    # Nor is anybody's turn to ask used up.
    assert [asked["min_gap_seconds"] for asked in paid.asked("claim_payment_poll")] == [None]


def test_without_an_order_at_razorpay_there_is_nothing_to_confirm(
    paid: FakeSupabase, http: httpx.Client
) -> None:
    paid.on_rpc("claim_payment_poll", body=claimed(razorpay_order_id=None))
    assert refused(call_back(http, paid, checkout_says("None")), "BAD_SIGNATURE")
    assert refused(call_back(http, paid, checkout_says("")), "BAD_SIGNATURE")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        checkout_says(razorpay_signature=None),
        checkout_says(razorpay_payment_id=7),
        checkout_says(razorpay_payment_id=""),
        checkout_says(razorpay_payment_id="pay_\ud800"),
        checkout_says(razorpay_signature="0" * 201),
    ],
    ids=lambda body: str(body)[:30].encode("ascii", "replace").decode(),
)
def test_a_body_that_is_not_checkouts_is_a_bad_request(
    paid: FakeSupabase, http: httpx.Client, body: Any
) -> None:
    assert refused(call_back(http, paid, body), "BAD_REQUEST")
    assert paid.asked("claim_payment_poll") == []


def test_two_in_a_row_ask_razorpay_once(paid: FakeSupabase, http: httpx.Client) -> None:
    paid.on_rpc("claim_payment_poll", body=claimed(claimed=False, retry_after=2))
    answer = call_back(http, paid, checkout_says())
    assert answer.json() == {
        "polled": False,
        "flow_state": "payment_pending",
        "outcome": "too_soon",
    }
    assert at_razorpay(paid) == []


def test_trouble_at_razorpay_is_no_refusal(paid: FakeSupabase, http: httpx.Client) -> None:
    paid.answers[f"GET /v1/orders/{ORDER_ID}"] = Answer(502, "<html>Bad gateway</html>")
    answer = call_back(http, paid, checkout_says())
    assert (answer.status_code, answer.json()["outcome"]) == (200, "gateway_unavailable")


def test_signatures_and_secrets_are_in_no_log_line(
    paid: FakeSupabase, http: httpx.Client, server: Gunicorn
) -> None:
    good, bad = checkout_says(), checkout_says(razorpay_signature="1" * 64)
    call_back(http, paid, good)
    request_id = call_back(http, paid, bad).headers["X-Request-Id"]
    server.wait_for(lambda line: line.get("request_id") == request_id)
    written = "".join(server.lines)
    secrets = [good["razorpay_signature"], "1" * 64, RAZORPAY["RAZORPAY_KEY_SECRET"]]
    assert [secret for secret in secrets if secret in written] == []
