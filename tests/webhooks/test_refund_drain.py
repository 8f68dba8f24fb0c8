"""Money that is to go back: sent with a key that makes it one refund, a few at a time, on touch."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, cast

import httpx
import pytest

from tests.webhooks.razorpay_support import (
    PAYMENT_ID,
    REFUND_ID,
    REQUEST_ID,
    body_of,
    calls,
    refund_request,
)
from tests.webhooks.support import (
    RAZORPAY,
    Answer,
    FakeSupabase,
    Gunicorn,
    settings,
    user_token,
)
from webhooks.config import load_config
from webhooks.database import Database
from webhooks.http.errors import ApiError
from webhooks.payments.gateway import Gateway, GatewayError
from webhooks.payments.refunds import MAX_PER_ROUND, Refunds

ENTITY = body_of("api.refund.create.response")


class Books:
    """Stands in for the database: hands out what is due, keeps what it is told."""

    def __init__(self, *due: dict[str, Any]) -> None:
        self.due = list(due)
        self.results: list[dict[str, Any]] = []

    def call_as_service(self, function: str, /, **arguments: Any) -> Any:
        """The two functions of refunds; an outcome is what was recorded."""
        if function == "take_refund_requests":
            assert arguments == {"max_rows": 1}
            taken, self.due = self.due[:1], self.due[1:]
            return taken
        assert function == "record_refund_result"
        self.results.append(arguments)
        return {"outcome": "refund_pending" if "entity" in arguments else "try_later"}


class FakeGateway(Gateway):
    """Answers with a refund, or fails as it was told."""

    def __init__(self, fault: GatewayError | None = None) -> None:
        config = load_config(settings("http://127.0.0.1:9", **RAZORPAY)).razorpay
        assert config is not None
        super().__init__(config)
        self.fault = fault
        self.found: dict[str, Any] | None = None
        self.asked: list[tuple[str, ...]] = []

    def refund(self, request: Any) -> dict[str, Any]:
        """Note which request was sent."""
        return self._answer("refund", request["refund_id"])

    def fetch_refund(self, payment_id: str, refund_id: str) -> dict[str, Any]:
        """Note which refund was asked about."""
        return self._answer("fetch", payment_id, refund_id)

    def find_refund(self, payment_id: str, receipt: str) -> dict[str, Any] | None:
        """Note which receipt was looked for."""
        self._answer("find", payment_id, receipt)
        return self.found

    def _answer(self, *asked: str) -> dict[str, Any]:
        self.asked.append(asked)
        if self.fault is not None:
            raise self.fault
        return ENTITY


def refunds_of(books: Books, gateway: Gateway | None) -> Refunds:
    return Refunds(cast(Database, books), gateway)


def failure(reason: str, kind: str = "unavailable") -> dict[str, Any]:
    return {"error": {"kind": kind, "reason": reason}}


def test_what_was_not_sent_is_sent_and_what_was_is_asked_about() -> None:
    books = Books(refund_request(), refund_request(razorpay_refund_id=REFUND_ID))
    gateway = FakeGateway()
    assert refunds_of(books, gateway).drain() == {"refund_pending": 2}
    assert gateway.asked == [("refund", REQUEST_ID), ("fetch", PAYMENT_ID, REFUND_ID)]
    assert books.results == [{"refund_id": REQUEST_ID, "entity": ENTITY}] * 2


@pytest.mark.parametrize("is_there", [True, False])
def test_what_may_have_been_made_by_an_earlier_try_is_looked_for_first(is_there: bool) -> None:
    books, gateway = Books(refund_request(tries=2)), FakeGateway()
    gateway.found = ENTITY if is_there else None
    refunds_of(books, gateway).drain()
    looked = ("find", PAYMENT_ID, REQUEST_ID)
    assert gateway.asked == ([looked] if is_there else [looked, ("refund", REQUEST_ID)])
    assert books.results == [{"refund_id": REQUEST_ID, "entity": ENTITY}]


def test_what_the_bank_disputes_is_looked_for_and_not_sent() -> None:
    books, gateway = Books(refund_request(tries=2, may_be_sent=False)), FakeGateway()
    refunds_of(books, gateway).drain()
    assert gateway.asked == [("find", PAYMENT_ID, REQUEST_ID)]
    assert books.results == [{"refund_id": REQUEST_ID, **failure("The payment is disputed.")}]


def test_a_refusal_is_the_last_word_about_what_was_to_be_made_only() -> None:
    refused = FakeGateway(GatewayError("refused", 400, "Fully refunded"))
    books = Books(refund_request(), refund_request(razorpay_refund_id=REFUND_ID))
    refunds_of(books, refused).drain()
    assert books.results == [
        {"refund_id": REQUEST_ID, **failure("Fully refunded", "refused")},
        {"refund_id": REQUEST_ID, **failure("Fully refunded")},
    ]


@pytest.mark.parametrize("kind", ["unavailable", "unauthorized"])
def test_while_razorpay_cannot_be_asked_the_next_ones_keep_their_turn(kind: Any) -> None:
    books = Books(refund_request(), refund_request())
    refunds_of(books, FakeGateway(GatewayError(kind, None, "Trouble"))).drain()
    assert books.results == [{"refund_id": REQUEST_ID, **failure("Trouble")}]
    assert len(books.due) == 1


def test_a_refund_of_the_other_mode_is_not_sent_with_these_keys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    books, gateway = Books(refund_request(mode="live"), refund_request()), FakeGateway()
    refunds_of(books, gateway).drain()
    assert len(gateway.asked) == 1
    assert books.results[0]["error"]["kind"] == "unavailable"
    assert books.results[1]["entity"] == ENTITY
    assert "refund_of_another_mode" in [record.message for record in caplog.records]


def test_a_round_sends_a_few() -> None:
    books = Books(*[refund_request()] * (MAX_PER_ROUND + 2))
    assert refunds_of(books, FakeGateway()).drain().total() == MAX_PER_ROUND
    assert len(books.due) == 2


def test_when_time_is_up_nothing_more_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FakeGateway):
        def refund(self, request: Any) -> dict[str, Any]:
            """Take forever."""
            monkeypatch.setattr(time, "monotonic", lambda: float("inf"))
            return super().refund(request)

    books = Books(refund_request(), refund_request())
    assert refunds_of(books, Slow()).drain().total() == 1
    monkeypatch.undo()
    assert len(books.due) == 1


def test_an_operator_takes_in_their_own_name() -> None:
    books, theirs = Books(refund_request()), [refund_request(refund_id="theirs")]
    outcomes = refunds_of(books, FakeGateway()).drain(lambda _: [theirs.pop()] if theirs else [])
    assert outcomes == {"refund_pending": 1}
    assert [result["refund_id"] for result in books.results] == ["theirs"]
    assert len(books.due) == 1


def test_without_a_gateway_refunds_stay_requested() -> None:
    books = Books(refund_request())
    refunds = refunds_of(books, None)
    refunds.touch()
    assert [thread for thread in threading.enumerate() if thread.name == "refunds"] == []
    with pytest.raises(ApiError) as caught:
        refunds.drain()
    assert (caught.value.status, caught.value.error_code) == (503, "PAYMENTS_OFF")
    assert len(books.due) == 1


@pytest.mark.parametrize("route", ["session/cleanup", "conversations/{}/payment-refresh"])
def test_whoever_comes_by_sends_what_is_due(
    fake: FakeSupabase, http: httpx.Client, server: Gunicorn, route: str
) -> None:
    request = refund_request(notes={"reason": route})
    fake.on_rpc("login_cleanup", body={})
    fake.on_rpc(
        "claim_payment_poll",
        body={
            "claimed": False,
            "payment_order_id": None,
            "razorpay_order_id": None,
            "flow_state": "connected",
        },
    )
    fake.on_rpc("take_refund_requests", body=[request])
    fake.on_rpc("record_refund_result", body={"outcome": f"by_{route}"})
    fake.answers[f"POST /v1/payments/{PAYMENT_ID}/refund"] = Answer(200, ENTITY)
    headers = {"Authorization": f"Bearer {user_token(fake.url)}"}
    answer = http.post(f"/v1/{route.format(REQUEST_ID)}", headers=headers)
    assert answer.status_code == 200
    line = server.wait_for(
        lambda line: (
            line["event"] == "refunds_drained"
            and line["outcomes"] == {f"by_{route}": MAX_PER_ROUND}
        )
    )
    assert line["taken"] == MAX_PER_ROUND
    sent = calls(fake, f"/v1/payments/{PAYMENT_ID}/refund")
    assert {call.headers["x-refund-idempotency"] for call in sent} == {f"refund-{REQUEST_ID}-1"}
    assert json.loads(sent[0].body)["notes"] == {"reason": route}
    recorded = fake.asked("record_refund_result")
    assert recorded == [{"refund_id": REQUEST_ID, "entity": ENTITY}] * MAX_PER_ROUND


def test_the_answer_does_not_wait_for_a_refund(
    fake: FakeSupabase, http: httpx.Client, server: Gunicorn
) -> None:
    fake.on_rpc("login_cleanup", body={})
    fake.on_rpc("take_refund_requests", body=[refund_request()])
    fake.on_rpc("record_refund_result", body={"outcome": "slow_one"})
    release = threading.Event()
    fake.answers[f"POST /v1/payments/{PAYMENT_ID}/refund"] = Answer(200, ENTITY, release=release)
    headers = {"Authorization": f"Bearer {user_token(fake.url)}"}
    try:
        assert http.post("/v1/session/cleanup", headers=headers).status_code == 200
        assert fake.asked("record_refund_result") == []
    finally:
        release.set()
    server.wait_for(
        lambda line: line["event"] == "refunds_drained" and "slow_one" in line["outcomes"]
    )
