"""POST /v1/conversations/<id>/payment-order: one order, whatever goes wrong on the way to it."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.webhooks.razorpay_support import (
    CONVERSATION_ID,
    ORDER_ID,
    PAYMENT_ORDER_ID,
    at_razorpay,
    begun,
    body_of,
    calls,
    collection,
    order_entity,
)
from tests.webhooks.support import (
    RAZORPAY,
    Answer,
    FakeSupabase,
    Gunicorn,
    api_key,
    close_app,
    settings,
    user_token,
)
from webhooks.app import create_app

PATH = f"/v1/conversations/{CONVERSATION_ID}/payment-order"


def attached(outcome: str = "attached", order_id: str | None = ORDER_ID) -> dict[str, Any]:
    """What `attach_payment_order` says."""
    return {
        "outcome": outcome,
        "payment_order_id": PAYMENT_ORDER_ID,
        "razorpay_order_id": order_id,
    }


@pytest.fixture
def ready(fake: FakeSupabase) -> FakeSupabase:
    """A deal that waits for its payment, and a Razorpay that works."""
    fake.on_rpc("begin_payment", body=begun())
    fake.on_rpc("attach_payment_order", body=attached())
    fake.answers["POST /v1/orders"] = Answer(200, order_entity())
    return fake


def press(http: httpx.Client, fake: FakeSupabase, **headers: str) -> httpx.Response:
    """The brand owner presses Pay."""
    return http.post(PATH, headers={"Authorization": f"Bearer {user_token(fake.url)}", **headers})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def test_pressing_pay_answers_with_what_checkout_needs(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    answer = press(http, ready)
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "payment_order_id": PAYMENT_ORDER_ID,
        "razorpay_config": {
            "order_id": ORDER_ID,
            "amount": 500000,
            "currency": "INR",
            "key_id": RAZORPAY["RAZORPAY_KEY_ID"],
            "name": "Stoory Platform",
            "description": "Payment for Campaign Collaboration",
            "prefill": {
                "name": "Bharat",
                "email": "bharat@example.com",
                "contact": "+919800000001",
            },
            "theme": {"color": "#3B82F6"},
        },
    }


def test_the_user_begins_then_razorpay_makes_then_the_service_attaches(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    config = press(http, ready).json()["razorpay_config"]
    begin, create, attach = ready.received
    assert begin.path == "/rest/v1/rpc/begin_payment"
    assert begin.headers["apikey"] == api_key("anon")
    assert json.loads(begin.body) == {"conversation_id": CONVERSATION_ID}
    assert (create.method, create.path) == ("POST", "/v1/orders")
    sent = json.loads(create.body)
    assert (sent["receipt"], sent["unique_receipt"]) == (PAYMENT_ORDER_ID, True)
    assert (sent["amount"], sent["currency"]) == (500000, "INR")
    assert sent["notes"] == {"conversation_id": CONVERSATION_ID}
    assert attach.path == "/rest/v1/rpc/attach_payment_order"
    assert attach.headers["apikey"] == api_key("service_role")
    assert json.loads(attach.body) == {
        "payment_order_id": PAYMENT_ORDER_ID,
        "entity": order_entity(),
        "razorpay_config": config,
        "mode": "test",
    }


def test_an_order_that_is_attached_needs_no_other_call(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    known = begun(razorpay_order_id="order_Before", has_checkout=True, kind="bid")
    ready.on_rpc("begin_payment", body=known)
    config = press(http, ready).json()["razorpay_config"]
    assert config["order_id"] == "order_Before"
    assert config["description"] == "Payment for Bid Collaboration"
    assert len(ready.received) == 1


def test_an_order_that_was_found_by_asking_is_shown_with_the_next_press(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    ready.on_rpc("begin_payment", body=begun(razorpay_order_id=ORDER_ID, has_checkout=False))
    ready.on_rpc("attach_payment_order", body=attached("already_attached", ORDER_ID))
    config = press(http, ready).json()["razorpay_config"]
    (attach,) = (call for call in ready.received if call.path.endswith("attach_payment_order"))
    assert json.loads(attach.body)["razorpay_config"] == config


def test_the_order_that_the_database_keeps_is_the_one_that_counts(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    ready.on_rpc("attach_payment_order", body=attached("already_attached", "order_First"))
    assert press(http, ready).json()["razorpay_config"]["order_id"] == "order_First"


def test_eight_presses_at_once_open_one_checkout(ready: FakeSupabase, http: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: press(http, ready), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["razorpay_config"]["order_id"] for answer in answers} == {ORDER_ID}
    sent = [json.loads(call.body) for call in calls(ready, "/v1/orders")]
    assert {(order["receipt"], order["unique_receipt"]) for order in sent} == {
        (PAYMENT_ORDER_ID, True)
    }


def test_what_is_not_known_of_the_payer_is_empty(ready: FakeSupabase, http: httpx.Client) -> None:
    nobody = {"name": None, "email": None, "contact": None}
    ready.on_rpc("begin_payment", body=begun(prefill=nobody))
    prefill = press(http, ready).json()["razorpay_config"]["prefill"]
    assert prefill == {"name": "", "email": "", "contact": ""}


def test_a_receipt_that_razorpay_knows_already_is_adopted(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    ready.answers["POST /v1/orders"] = Answer(400, body_of("api.error.receipt_not_unique"))
    ready.answers["GET /v1/orders"] = Answer(200, collection(order_entity()))
    assert press(http, ready).json()["razorpay_config"]["order_id"] == ORDER_ID
    (attach,) = ready.asked("attach_payment_order")
    assert attach["entity"] == order_entity()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, body_of("api.error.auth")),
        Answer(429, {"error": {"description": "Slow down"}}),
        Answer(500, body_of("api.error.server")),
        Answer(502, "<html>Bad gateway</html>"),
        Answer(200, "<html>Sign in to this network</html>"),
    ],
    ids=lambda answer: str(answer.status),
)
def test_trouble_at_razorpay_is_safe_to_press_again(
    ready: FakeSupabase, http: httpx.Client, answer: Answer
) -> None:
    ready.answers["POST /v1/orders"] = answer
    said = press(http, ready)
    assert refusal(said) == (502, "GATEWAY_UNAVAILABLE")
    assert int(said.headers["Retry-After"]) > 0
    assert at_razorpay(ready) == [("POST", "/v1/orders")]
    assert ready.asked("attach_payment_order") == []
    ready.answers["POST /v1/orders"] = Answer(200, order_entity())
    assert press(http, ready).status_code == 200


def test_what_razorpay_refuses_is_told_apart(ready: FakeSupabase, http: httpx.Client) -> None:
    ready.answers["POST /v1/orders"] = Answer(400, body_of("api.error.amount_min"))
    assert refusal(press(http, ready)) == (502, "GATEWAY_REFUSED")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "CONVERSATION_NOT_FOUND"),
        (409, "NOT_YOUR_TURN"),
        (409, "PAYMENT_ALREADY_DONE"),
        (422, "PRICE_OUT_OF_RANGE"),
        (429, "RATE_LIMITED"),
    ],
)
def test_what_the_database_refuses_never_reaches_razorpay(
    ready: FakeSupabase, http: httpx.Client, status: int, code: str
) -> None:
    body = {"code": code, "message": "No.", "details": None}
    ready.on_rpc("begin_payment", status, body)
    assert refusal(press(http, ready)) == (status, code)
    assert at_razorpay(ready) == []


def test_an_order_that_was_closed_meanwhile_is_to_be_pressed_again(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    ready.on_rpc("attach_payment_order", body=attached("order_closed"))
    answer = press(http, ready)
    assert refusal(answer) == (409, "PAYMENT_NOT_READY")
    assert "again" in answer.json()["message"]


@pytest.mark.parametrize("outcome", ["order_mismatch", "mode_mismatch", "unknown_order"])
def test_an_order_that_does_not_fit_is_for_whoever_runs_the_app(
    ready: FakeSupabase, http: httpx.Client, server: Gunicorn, outcome: str
) -> None:
    ready.on_rpc("attach_payment_order", body=attached(outcome, None))
    request_id = uuid.uuid4().hex
    answer = press(http, ready, **{"X-Request-Id": request_id})
    assert refusal(answer) == (503, "PAYMENTS_MISCONFIGURED")
    line = server.wait_for(
        lambda line: line["event"] == "payments_misconfigured" and line["request_id"] == request_id
    )
    assert (line["level"], line["outcome"]) == ("error", outcome)
    assert line["conversation_id"] == CONVERSATION_ID


def test_an_order_of_another_mode_opens_no_checkout_with_these_keys(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    ready.on_rpc("begin_payment", body=begun(mode="live", razorpay_order_id="order_Live"))
    assert refusal(press(http, ready)) == (503, "PAYMENTS_MISCONFIGURED")


def test_without_razorpays_settings_payments_are_off(fake: FakeSupabase) -> None:
    app = create_app(settings(fake.url))
    headers = {"Authorization": f"Bearer {user_token(fake.url)}"}
    for route in ("payment-order", "payment-refresh", "payment-callback"):
        answer = app.test_client().post(
            f"/v1/conversations/{CONVERSATION_ID}/{route}", headers=headers
        )
        assert answer.status_code == 503
        assert answer.json is not None
        assert answer.json["error_code"] == "PAYMENTS_OFF"
    close_app(app)
    assert fake.received == []


def test_a_conversation_id_that_is_none_is_not_found(
    ready: FakeSupabase, http: httpx.Client
) -> None:
    headers = {"Authorization": f"Bearer {user_token(ready.url)}"}
    answer = http.post("/v1/conversations/1/payment-order", headers=headers)
    assert refusal(answer) == (404, "NOT_FOUND")


def test_all_that_is_written_is_json_lines_without_secrets(
    ready: FakeSupabase, http: httpx.Client, server: Gunicorn
) -> None:
    for answer in (Answer(401, body_of("api.error.auth")), Answer(502, "<html>")):
        ready.answers["POST /v1/orders"] = answer
        assert press(http, ready).status_code == 502
    ready.answers["POST /v1/orders"] = Answer(200, order_entity())
    request_id = uuid.uuid4().hex
    press(http, ready, **{"X-Request-Id": request_id})
    line = server.wait_for(
        lambda line: line["event"] == "request_finished" and line["request_id"] == request_id
    )
    assert (line["order_id"], line["conversation_id"]) == (ORDER_ID, CONVERSATION_ID)
    assert all(isinstance(json.loads(line), dict) for line in server.lines)
    written = "".join(server.lines)
    basic = calls(ready, "/v1/orders")[0].headers["authorization"].removeprefix("Basic ")
    secrets = [*RAZORPAY.values(), basic, "bharat@example.com", "+919800000001"]
    secrets.remove(RAZORPAY["RAZORPAY_KEY_ID"])
    assert [secret for secret in secrets if secret in written] == []
