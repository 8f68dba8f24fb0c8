"""From the button to the money: a gateway that fails, buttons pressed at once, forged answers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest

from scripts.dev.razorpay_sandbox.client import KEY_ID, KEY_SECRET
from tests.flow.deals import Play
from tests.payments.faults.running import app_here
from tests.payments.faults.world import PATIENCE, World
from tests.webhooks.support import user_claims
from webhooks.payments import gateway

ORDERS = "orders_total"
CREATE = "orders.create"
ROUTES = ("payment-order", "payment-refresh", "payment-callback")


def own_orders(world: World) -> list[tuple[Any, ...]]:
    """The orders in the books: Razorpay's id and status."""
    rows = world.db.query(
        "select razorpay_order_id, status from private.payment_orders order by created_at"
    )
    return [tuple(row.values()) for row in rows]


def orders_at_razorpay(world: World) -> list[str]:
    """Razorpay's orders for the one receipt in the books."""
    answer = httpx.get(
        f"{world.sandbox.url}/v1/orders",
        params={"receipt": world.db.value("select receipt from private.payment_orders")},
        auth=(KEY_ID, KEY_SECRET),
        timeout=PATIENCE,
    )
    answer.raise_for_status()
    return [order["id"] for order in answer.json()["items"]]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def knock(world: World, play: Play, route: str, token: str) -> httpx.Response:
    """Somebody with this token calls a route about a deal."""
    return world.http.post(
        f"/v1/conversations/{play.id}/{route}",
        headers={"Authorization": f"Bearer {token}"},
        json={"razorpay_payment_id": "x", "razorpay_signature": "x"},
    )


def test_while_razorpay_has_switched_the_webhook_off_the_chat_is_enough(world: World) -> None:
    play = world.play()
    with (
        world.counts("webhook_requests_total", 0),  # the alarm: this stands still
        world.counts(ORDERS, result="created"),  # while this goes on
    ):
        world.pay_unnoticed(world.checkout(play))
        world.assert_nothing_happened(play)
        assert world.open_chat(play) == {
            "polled": True,
            "flow_state": "payment_completed",
            "outcome": "applied",
        }
    world.assert_paid_once(play)
    assert world.alerts() == []


@pytest.mark.parametrize("fault", ["timeout", "reset", "lost_response"])
def test_an_order_whose_answer_does_not_come_is_made_once_by_pressing_again(
    world: World, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = world.play()
    world.sandbox.switches(api={CREATE: {"fault": fault}})
    with app_here(world) as http, monkeypatch.context() as patch:
        if fault == "timeout":
            patch.setattr(gateway, "READ_TIMEOUT_SECONDS", 0.5)
        with world.counts(ORDERS, http=http, result="unavailable"):
            answer = replace(world, http=http).press(play)
    assert refusal(answer) == (502, "GATEWAY_UNAVAILABLE")
    assert own_orders(world) == [(None, "open")]
    assert world.state(play) == "payment_pending"
    order_id = world.checkout(play)
    assert own_orders(world) == [(order_id, "open")]
    assert orders_at_razorpay(world) == [order_id]
    world.pay(order_id)
    world.assert_paid_once(play)


def test_a_receipt_that_razorpay_has_already_leads_to_its_order(world: World) -> None:
    play = world.play()
    world.sandbox.switches(api={CREATE: {"fault": "lost_response"}})
    assert refusal(world.press(play)) == (502, "GATEWAY_UNAVAILABLE")
    (made,) = orders_at_razorpay(world)
    world.sandbox.switches(orders={"same_receipt": "refuse"})
    with world.counts(ORDERS, result="adopted"):
        assert world.checkout(play) == made
    assert own_orders(world) == [(made, "open")]
    world.pay(made)
    world.assert_paid_once(play)


def test_an_order_whose_id_got_lost_and_is_paid_is_known_by_its_receipt(world: World) -> None:
    play = world.play()
    world.sandbox.switches(api={CREATE: {"fault": "lost_response"}})
    assert refusal(world.press(play)) == (502, "GATEWAY_UNAVAILABLE")
    (made,) = orders_at_razorpay(world)
    world.pay(made)
    assert ("processed", "applied") in world.events()
    assert own_orders(world) == [(made, "paid")]
    world.assert_paid_once(play)
    # What came before an event that names the receipt is one line, and no more.
    assert world.alerts() == [("info", "unknown_order")]


def test_pressing_eight_times_at_once_is_one_order(world: World) -> None:
    play = world.play()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.press(play), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    bodies = [answer.json() for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    order_id = bodies[0]["razorpay_config"]["order_id"]
    assert own_orders(world) == [(order_id, "open")]
    assert orders_at_razorpay(world) == [order_id]


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        ("401", "unauthorized"),
        ("429", "unavailable"),
        ("html_502", "unavailable"),
        ("500", "unavailable"),
    ],
)
def test_a_gateway_that_is_no_help_costs_nothing_but_another_press(
    world: World, fault: str, result: str
) -> None:
    play = world.play()
    world.sandbox.switches(api={CREATE: {"fault": fault}})
    with world.counts(ORDERS, result=result):
        answer = world.press(play)
    assert refusal(answer) == (502, "GATEWAY_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    assert own_orders(world) == [(None, "open")]
    assert world.state(play) == "payment_pending"
    if fault == "401":
        world.app.wait_for(lambda line: line["event"] == "razorpay_keys_refused")
    world.pay(world.checkout(play))
    world.assert_paid_once(play)


@pytest.mark.parametrize(
    ("who", "state", "status", "code"),
    [
        ("bharat", "influencer_price_response", 409, "PAYMENT_NOT_READY"),
        ("asha", "payment_pending with an order", 409, "NOT_YOUR_TURN"),
        ("chitra", "payment_pending with an order", 404, "CONVERSATION_NOT_FOUND"),
        ("omkar", "payment_pending with an order", 404, "CONVERSATION_NOT_FOUND"),
        ("bharat", "payment_completed", 409, "PAYMENT_ALREADY_DONE"),
        ("bharat", "chat_closed unpaid with an order", 409, "CHAT_CLOSED"),
    ],
)
def test_whoever_may_not_pay_now_gets_no_order(
    world: World, who: str, state: str, status: int, code: str
) -> None:
    play = world.play(state)
    before = (own_orders(world), world.state(play))
    answer = world.press(play, getattr(world.people, who))
    assert refusal(answer) == (status, code)
    assert (own_orders(world), world.state(play)) == before
    assert world.alerts() == []


def test_less_than_a_rupee_cannot_be_paid(world: World) -> None:
    play = world.play("payment_pending")
    world.db.query("update private.conversations set amount_minor = 99 where id = %s", play.id)
    assert refusal(world.press(play)) == (422, "PRICE_OUT_OF_RANGE")
    assert own_orders(world) == []


def _key(name: str) -> Callable[[World], str]:
    return lambda world: str(getattr(world.stack, name))


def _token(**changes: Any) -> Callable[[World], str]:
    """A token of Bharat's, signed by the project, with other claims."""

    def make(world: World) -> str:
        claims = user_claims(world.stack.api_url, sub=str(world.people.bharat), **changes)
        return jwt.encode(claims, world.stack.jwt_secret, algorithm="HS256")

    return make


def test_only_a_signed_in_user_of_this_project_gets_anywhere(world: World) -> None:
    play = world.play()
    for make, status, code in (
        (_key("anon_key"), 401, "AUTH_REQUIRED"),
        (_key("service_role_key"), 401, "AUTH_REQUIRED"),
        (_token(exp=int(time.time()) - 3600), 401, "AUTH_REQUIRED"),
        (_token(iss="https://other.example.com/auth/v1"), 401, "AUTH_REQUIRED"),
        (_token(is_anonymous=True), 403, "FORBIDDEN"),
    ):
        for route in ROUTES:
            endpoint = f"/v1/conversations/<uuid:conversation_id>/{route}"
            with world.counts("parley_http_requests_total", endpoint=endpoint, status=str(status)):
                assert refusal(knock(world, play, route, make(world))) == (status, code), route
    assert own_orders(world) == [(None, "open")]
    assert world.state(play) == "payment_pending"


def test_the_same_token_with_nothing_wrong_gets_in(world: World) -> None:
    play = world.play()
    for route in ROUTES:
        answer = knock(world, play, route, _token()(world))
        assert answer.status_code == (400 if route == "payment-callback" else 200)


def callback(world: World, play: Play, body: dict[str, str]) -> httpx.Response:
    """The browser says what checkout handed to it."""
    return world.ask(world.people.bharat, f"/v1/conversations/{play.id}/payment-callback", body)


def test_a_success_that_the_browser_made_up_is_refused(world: World) -> None:
    play, other = world.play(), world.play()
    order_id = world.checkout(play)
    cheaper = world.pay_unnoticed(world.checkout(other))
    forged = [
        {**cheaper, "razorpay_signature": "0" * 64},
        cheaper,  # true, and about another deal
        {**cheaper, "razorpay_order_id": order_id},
        {**cheaper, "razorpay_signature": "é" * 64},
    ]
    with world.counts("reconcile_total", len(forged), result="bad_signature"):
        for body in forged:
            assert refusal(callback(world, play, body)) == (400, "BAD_SIGNATURE")
    assert world.state(play) == "payment_pending"
    assert world.events() == []
    answer = callback(world, other, cheaper)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "applied")
    assert world.state(play) == "payment_pending"


@pytest.mark.parametrize("who", ["asha", "bharat"])
def test_a_payment_that_no_webhook_told_of_is_found_by_whoever_opens_the_chat(
    world: World, who: str
) -> None:
    play = world.play()
    world.pay_unnoticed(world.checkout(play))
    user: uuid.UUID = getattr(world.people, who)
    assert world.open_chat(play, user)["outcome"] == "applied"
    (row,) = world.db.query("select actor, action from private.payment_audit")
    assert tuple(row.values()) == (f"reconcile:{user}", "applied")
    world.assert_paid_once(play)
    assert world.alerts() == []


@pytest.mark.parametrize("fault", ["reset", "html_502", "429", "401"])
def test_a_gateway_that_cannot_be_asked_is_no_error_for_whoever_opens_the_chat(
    world: World, fault: str
) -> None:
    play = world.play()
    world.pay_unnoticed(world.checkout(play))
    world.sandbox.switches(api={"orders.fetch": {"fault": fault}})
    waiting = {"polled": False, "flow_state": "payment_pending"}
    with world.counts("reconcile_total", result="gateway_unavailable"):
        assert world.open_chat(play) == {**waiting, "outcome": "gateway_unavailable"}
    with world.counts("reconcile_total", result="too_soon"):
        assert world.open_chat(play) == {**waiting, "outcome": "too_soon"}
    world.db.query("update private.payment_orders set polled_at = polled_at - interval '20 s'")
    assert world.open_chat(play)["outcome"] == "applied"
    world.assert_paid_once(play)
