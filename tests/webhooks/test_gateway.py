"""Asking Razorpay over its SDK: what is sent, how failures read, and the SDK's traps."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import certifi
import pytest
import requests
from prometheus_client import REGISTRY

from tests.webhooks.razorpay_support import (
    ORDER_ID,
    PAYMENT_ID,
    PAYMENT_ORDER_ID,
    REFUND_ID,
    REQUEST_ID,
    at_razorpay,
    body_of,
    calls,
    collection,
    order_entity,
    refund_request,
)
from tests.webhooks.support import RAZORPAY, Answer, FakeSupabase, settings
from webhooks.config import load_config
from webhooks.payments import gateway as razorpay
from webhooks.payments.gateway import Gateway, GatewayError


def gateway_of(url: str) -> Gateway:
    """A gateway whose Razorpay is at this address of loopback."""
    config = load_config(settings(url, RAZORPAY_BASE_URL=url, **RAZORPAY))
    assert config.razorpay is not None
    return Gateway(config.razorpay)


@pytest.fixture
def gateway(fake: FakeSupabase) -> Gateway:
    return gateway_of(fake.url)


def create(gateway: Gateway) -> dict[str, Any]:
    return gateway.create_order(
        receipt=PAYMENT_ORDER_ID,
        amount_minor=500000,
        currency="INR",
        notes={"conversation_id": "c"},
    )


def failure(gateway: Gateway) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        create(gateway)
    return caught.value


def counted(sample: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(sample, labels) or 0.0


def test_an_order_is_asked_for_as_documented(fake: FakeSupabase, gateway: Gateway) -> None:
    fake.answers["/v1/orders"] = Answer(200, order_entity())
    assert create(gateway) == order_entity()
    (request,) = fake.received
    sent, documented = json.loads(request.body), body_of("api.order.create.request")
    assert sent == documented | {"receipt": PAYMENT_ORDER_ID, "notes": {"conversation_id": "c"}}
    keys = f"{RAZORPAY['RAZORPAY_KEY_ID']}:{RAZORPAY['RAZORPAY_KEY_SECRET']}"
    assert request.method == "POST"
    assert request.headers["authorization"] == f"Basic {base64.b64encode(keys.encode()).decode()}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].split() == ["Razorpay-Python/2.0.1", "Parley"]


def test_what_is_fetched_comes_back_as_it_is(fake: FakeSupabase, gateway: Gateway) -> None:
    order, payments = body_of("api.order.fetch.paid"), body_of("api.order.payments")
    refund = body_of("api.refund.create.response")
    fake.answers[f"/v1/orders/{ORDER_ID}"] = Answer(200, order)
    fake.answers[f"/v1/orders/{ORDER_ID}/payments"] = Answer(200, payments)
    fake.answers[f"/v1/payments/{PAYMENT_ID}/refunds/{REFUND_ID}"] = Answer(200, refund)
    assert gateway.fetch_order(ORDER_ID) == order
    assert gateway.fetch_payments(ORDER_ID) == payments
    assert gateway.fetch_refund(PAYMENT_ID, REFUND_ID) == refund


def test_a_refund_carries_the_key_that_makes_it_one(fake: FakeSupabase, gateway: Gateway) -> None:
    fake.answers[f"/v1/payments/{PAYMENT_ID}/refund"] = Answer(
        200, body_of("api.refund.create.response")
    )
    request = refund_request()
    assert gateway.refund(request)["id"] == REFUND_ID
    (sent,) = fake.received
    assert sent.headers["x-refund-idempotency"] == f"refund-{REQUEST_ID}-1"
    assert json.loads(sent.body) == {
        "amount": 500000,
        "speed": "normal",
        "receipt": REQUEST_ID,
        "notes": request["notes"],
    }


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (
            Answer(400, body_of("api.error.amount_min")),
            "refused",
            "The amount must be at least INR 1.00",
        ),
        (Answer(400, {"error": None}), "refused", "no reason given"),
        (Answer(400, {"error": {"description": 7}}), "refused", "7"),
        (Answer(400, {"error": {"description": "a\0\ud800"}}), "refused", "a?"),
        (Answer(401, body_of("api.error.auth")), "unauthorized", "Authentication failed"),
        (Answer(401, "<html>"), "unauthorized", "no reason given"),
        (
            Answer(409, {"error": {"description": "Under way"}}),
            "unavailable",
            "Under way",
        ),
        (Answer(429, {"error": {"description": "Slow down"}}), "unavailable", "Slow down"),
        (Answer(403, "<html>Not from there</html>"), "unavailable", "no reason given"),
        (Answer(500, {"error": {"description": "Trouble"}}), "unavailable", "Trouble"),
        (Answer(502, "<html>Bad gateway</html>"), "unavailable", "no reason given"),
        (Answer(503, {"error": []}), "unavailable", "no reason given"),
        (Answer(200, "<html>Sign in to this network</html>"), "unavailable", "no reason given"),
        (Answer(200, ["order"]), "unavailable", "no reason given"),
        (Answer(200, {"id": "order_1"}), "unavailable", "no reason given"),
        (Answer(200, "null"), "unavailable", "no reason given"),
        (Answer(204, ""), "unavailable", "no reason given"),
        (Answer(200, "[" * 100_000), "unavailable", "no reason given"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_every_bad_answer_says_what_to_do_and_is_asked_for_once(
    fake: FakeSupabase,
    gateway: Gateway,
    capfd: pytest.CaptureFixture[str],
    answer: Answer,
    kind: str,
    reason: str,
) -> None:
    fake.answers["/v1/orders"] = answer
    error = failure(gateway)
    assert (error.kind, error.status, error.reason) == (kind, answer.status, reason)
    assert at_razorpay(fake) == [("POST", "/v1/orders")]
    assert capfd.readouterr() == ("", "")


def test_a_very_long_reason_is_cut(fake: FakeSupabase, gateway: Gateway) -> None:
    fake.answers["/v1/orders"] = Answer(400, {"error": {"description": "x" * 5000}})
    assert failure(gateway).reason == "x" * 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(fake: FakeSupabase, gateway: Gateway, status: int) -> None:
    fake.answers["/v1/orders"] = Answer(status, {}, {"Location": f"{fake.url}/v1/elsewhere"})
    fake.answers["/v1/elsewhere"] = Answer(200, order_entity())
    error = failure(gateway)
    assert (error.kind, error.status) == ("unavailable", status)
    with pytest.raises(GatewayError):
        gateway.find_order(PAYMENT_ORDER_ID)
    assert at_razorpay(fake) == [("POST", "/v1/orders"), ("GET", "/v1/orders")]


def test_a_razorpay_that_hangs_is_given_up_and_not_asked_twice(
    fake: FakeSupabase,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(razorpay, "READ_TIMEOUT_SECONDS", 0.2)
    release = threading.Event()
    fake.answers["/v1/orders"] = Answer(200, order_entity(), release=release)
    try:
        error = failure(gateway)
    finally:
        release.set()
    assert (error.kind, error.status, error.reason) == ("unavailable", None, "ReadTimeout")
    assert at_razorpay(fake) == [("POST", "/v1/orders")]
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def hanging_up() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that reads a request and hangs up, and what it has read."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    received.append(connection.recv(65536))
                    if received[-1] == b"stop":
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", received
        with socket.create_connection(server.getsockname()) as last:
            last.sendall(b"stop")
        thread.join(20)


def test_a_lost_connection_is_no_reason_to_send_again(
    hanging_up: tuple[str, list[bytes]], capfd: pytest.CaptureFixture[str]
) -> None:
    url, received = hanging_up
    assert failure(gateway_of(url)).kind == "unavailable"
    assert [request.split(b" ")[0] for request in received] == [b"POST"]
    assert capfd.readouterr() == ("", "")


def test_nobody_there_is_said_without_a_word_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    error = failure(gateway_of("http://127.0.0.1:9"))
    assert (error.kind, error.status, error.reason) == ("unavailable", None, "ConnectionError")
    assert capfd.readouterr() == ("", "")


def test_todays_authorities_are_trusted_and_every_call_has_a_timeout(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []

    def refuse(_session: object, _method: str, _url: str, **kwargs: Any) -> None:
        given.append(kwargs)
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "request", refuse)
    assert failure(gateway).kind == "unavailable"
    with pytest.raises(GatewayError):
        gateway.fetch_order(ORDER_ID)
    for kwargs in given:
        assert (kwargs["verify"], kwargs["timeout"]) == (certifi.where(), (2.0, 6.0))
    assert len(given) == 2


def test_each_thread_has_a_session_of_its_own(
    fake: FakeSupabase, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.answers["/v1/orders"] = Answer(200, order_entity())
    used: set[tuple[int, requests.Session]] = set()
    send = requests.Session.request

    def note(session: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        used.add((threading.get_ident(), session))
        return send(session, *args, **kwargs)

    monkeypatch.setattr(requests.Session, "request", note)
    together = threading.Barrier(4)

    def ask(_number: int) -> None:
        together.wait(20)
        for _ in range(3):
            assert create(gateway)["id"] == ORDER_ID

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))
    assert len(used) == len({session for _, session in used}) == 4


def test_a_receipt_that_razorpay_knows_leads_to_its_order(
    fake: FakeSupabase, gateway: Gateway
) -> None:
    fake.answers["POST /v1/orders"] = Answer(400, body_of("api.error.receipt_not_unique"))
    fake.answers["GET /v1/orders"] = Answer(200, collection(order_entity()))
    before = counted("orders_total", result="adopted")
    assert create(gateway) == order_entity()
    assert counted("orders_total", result="adopted") == before + 1


def test_a_receipt_that_is_taken_by_no_order_of_ours_stays_refused(
    fake: FakeSupabase, gateway: Gateway
) -> None:
    fake.answers["POST /v1/orders"] = Answer(400, body_of("api.error.receipt_not_unique"))
    fake.answers["GET /v1/orders"] = Answer(200, collection(order_entity(amount=1)))
    assert failure(gateway).kind == "refused"
    fake.answers["GET /v1/orders"] = Answer(502, "<html>")
    before = counted("orders_total", result="unavailable")
    assert failure(gateway).kind == "unavailable"
    assert counted("orders_total", result="unavailable") == before + 1


def test_an_order_is_found_by_its_receipt_and_amount_the_newest_of_several(
    fake: FakeSupabase, gateway: Gateway
) -> None:
    orders = [
        order_entity(id="order_1", created_at=1),
        order_entity(id="order_3", created_at=3),
        order_entity(id="order_2", created_at=2),
        order_entity(id="order_4", created_at=4, amount=1),
        order_entity(id="order_5", created_at=5, receipt="another"),
    ]
    fake.answers["/v1/orders"] = Answer(200, collection(*orders))
    for amount, found_id in {500000: "order_3", None: "order_4", 1: "order_4"}.items():
        found = gateway.find_order(PAYMENT_ORDER_ID, amount)
        assert found is not None
        assert found["id"] == found_id
    assert gateway.find_order(PAYMENT_ORDER_ID, 2) is None
    assert {call.method for call in fake.received} == {"GET"}
    assert parse_qs(fake.received[0].query) == {"receipt": [PAYMENT_ORDER_ID]}
    fake.answers["/v1/orders"] = Answer(200, collection())
    assert gateway.find_order(PAYMENT_ORDER_ID) is None


def test_text_that_no_database_takes_is_left_out(fake: FakeSupabase, gateway: Gateway) -> None:
    notes = {"a\0b": "c\0d", "half": "\ud800!", "list": ["\0", 1, None, {"x": "\udc00"}]}
    fake.answers[f"/v1/orders/{ORDER_ID}"] = Answer(200, order_entity(notes=notes))
    assert gateway.fetch_order(ORDER_ID)["notes"] == {
        "ab": "cd",
        "half": "?!",
        "list": ["", 1, None, {"x": "?"}],
    }


def test_every_call_is_measured_by_what_it_was_and_how_it_went(
    fake: FakeSupabase, gateway: Gateway
) -> None:
    def measured(op: str, result: str) -> float:
        return counted("rzp_call_seconds_count", op=op, result=result)

    fake.answers["/v1/orders"] = Answer(200, order_entity())
    before = measured("create_order", "ok"), counted("orders_total", result="created")
    create(gateway)
    after = measured("create_order", "ok"), counted("orders_total", result="created")
    assert after == (before[0] + 1, before[1] + 1)
    for status, result in {400: "refused", 401: "unauthorized", 500: "unavailable"}.items():
        fake.answers["/v1/orders"] = Answer(status, {"error": {}})
        before = measured("create_order", result), counted("orders_total", result=result)
        failure(gateway)
        after = measured("create_order", result), counted("orders_total", result=result)
        assert after == (before[0] + 1, before[1] + 1)


def test_keys_that_are_refused_are_an_error_in_the_log_and_secrets_never_are(
    fake: FakeSupabase, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.answers["/v1/orders"] = Answer(401, body_of("api.error.auth"))
    failure(gateway)
    fake.answers["/v1/orders"] = Answer(400, body_of("api.error.amount_min"))
    failure(gateway)
    ours = [record for record in caplog.records if record.name == "parley"]
    assert [(record.levelname, record.getMessage()) for record in ours] == [
        ("ERROR", "razorpay_keys_refused"),
        ("WARNING", "razorpay_call_failed"),
    ]
    assert vars(ours[1])["parley_fields"] == {
        "op": "create_order",
        "kind": "refused",
        "status": 400,
        "reason": "The amount must be at least INR 1.00",
    }
    written = "".join(str(vars(record)) for record in caplog.records)
    sent = calls(fake, "/v1/orders")[0].headers["authorization"].removeprefix("Basic ")
    assert [secret for secret in (RAZORPAY["RAZORPAY_KEY_SECRET"], sent) if secret in written] == []
