"""record_refund_result: what Razorpay answered to a refund that was sent or asked about."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.flow.deals import Cast
from tests.payments.scenes import (
    AGREED,
    Scene,
    alerts,
    audit,
    ledger,
    open_refund,
    open_scene,
    refund_event,
    requests,
    rows,
)
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database
from tests.support.payments import Json, made_up_id, payment_entity, refund_entity

REFUSED = {"kind": "refused", "reason": "The account has not enough balance."}


def record(db: Database, request: Any, entity: Any = None, error: Any = None) -> Any:
    """Razorpay has answered."""
    with db.as_service():
        answer = db.call("record_refund_result", refund_id=request, entity=entity, error=error)
    return answer["outcome"]


def request_row(db: Database) -> tuple[Any, ...]:
    (row,) = rows(db, "refunds", "status razorpay_refund_id failure attempts", "id")
    return row


@pytest.fixture
def asked(db: Database, people: Cast) -> tuple[Scene, Json, str]:
    """A deal whose money is to go back, its payment and the request."""
    return open_refund(db, people)


def test_a_refund_that_went_through_ends_the_deal(asked: tuple[Scene, Json, str]) -> None:
    scene, payment, request = asked
    refund = refund_entity(payment, receipt=request)
    assert record(scene.db, request, refund) == "refund_processed"
    assert (scene.state(), scene.books()) == (
        "chat_closed",
        {"captured": AGREED, "refunded": AGREED},
    )
    assert ledger(scene.db)[1:] == [("held", "refunded", AGREED)]
    assert request_row(scene.db) == ("processed", refund["id"], None, 0)
    assert rows(scene.db, "refunds", "reference", "id") == [(refund["id"],)]
    assert audit(scene.db)[-1] == ("refunds", "refund_processed")
    assert alerts(scene.db) == []
    assert rows(scene.db, "payments", "refunded_minor", "payment_id") == [(AGREED,)]
    # The answer again, and the event about it, change nothing.
    assert record(scene.db, request, refund) == "noop"
    _, answer = refund_event(scene, "processed", payment, refund["id"], receipt=request)
    assert answer["outcome"] == "noop"
    assert len(ledger(scene.db)) == 2


def test_a_refund_on_its_way_is_asked_about(asked: tuple[Scene, Json, str]) -> None:
    scene, payment, request = asked
    refund = refund_entity(payment, receipt=request, status="pending")
    assert record(scene.db, request, refund) == "refund_pending"
    assert request_row(scene.db) == ("requested", refund["id"], None, 0)
    assert (scene.state(), audit(scene.db)[-1]) == ("refund_pending", ("refunds", "refund_pending"))
    assert record(scene.db, request, refund) == "noop"
    assert record(scene.db, request, {**refund, "status": "processed"}) == "refund_processed"
    assert scene.state() == "chat_closed"
    assert alerts(scene.db) == []


def test_a_refund_that_failed_at_the_bank_is_tried_anew(asked: tuple[Scene, Json, str]) -> None:
    scene, payment, request = asked
    refund = refund_entity(payment, receipt=request, status="pending")
    record(scene.db, request, refund)
    assert record(scene.db, request, {**refund, "status": "failed"}) == "refund_failed"
    assert request_row(scene.db) == ("requested", None, "The refund failed at the bank.", 1)
    assert alerts(scene.db) == [("critical", f"refund_failed:{refund['id']}", 1)]
    assert scene.steps("refund_failed") == 1
    assert rows(scene.db, "payments", "refunded_minor", "payment_id") == [(0,)]
    second = refund_entity(payment, receipt=request)
    assert record(scene.db, request, second) == "refund_processed"
    assert (scene.state(), request_row(scene.db)[:3]) == (
        "chat_closed",
        ("processed", second["id"], None),
    )


def test_a_refusal_is_told_once_for_each_reason(asked: tuple[Scene, Json, str]) -> None:
    scene, _, request = asked
    for seen in (1, 2, 3):
        assert record(scene.db, request, error=REFUSED) == "refund_failed"
        assert alerts(scene.db) == [("critical", f"refund_failed:{request}", seen)]
        assert scene.steps("refund_failed") == 1
    assert request_row(scene.db) == ("requested", None, REFUSED["reason"], 1)
    assert record(scene.db, request, error={**REFUSED, "reason": "another"}) == "refund_failed"
    assert scene.steps("refund_failed") == 2
    assert (scene.state(), scene.books()) == (
        "refund_pending",
        {"captured": AGREED, "held": AGREED},
    )


@pytest.mark.parametrize("error", [None, {}, {"kind": "refused"}, "no", [], {"reason": None}])
def test_an_error_without_words_is_a_refusal_too(
    asked: tuple[Scene, Json, str], error: Any
) -> None:
    scene, _, request = asked
    assert record(scene.db, request, error=error) == "refund_failed"
    assert request_row(scene.db)[0] == "requested"
    assert request_row(scene.db)[2]


def test_a_gateway_that_does_not_answer_changes_nothing(asked: tuple[Scene, Json, str]) -> None:
    scene, _, request = asked
    before = (request_row(scene.db), audit(scene.db))
    error = {"kind": "unavailable", "reason": "timeout"}
    assert record(scene.db, request, error=error) == "try_later"
    assert (request_row(scene.db), audit(scene.db), alerts(scene.db)) == (*before, [])
    assert scene.steps("refund_failed") == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": AGREED - 1},
        {"amount": "500000"},
        {"currency": "USD"},
        {"payment_id": "pay_Another0000001"},
        {"id": "pay_CnvPay0000001A"},
        {"id": None},
    ],
)
def test_another_refund_than_was_asked_for_is_told_and_not_taken(
    asked: tuple[Scene, Json, str], changes: Json
) -> None:
    scene, payment, request = asked
    entity = {**refund_entity(payment, receipt=request), **changes}
    assert record(scene.db, request, entity) == "refund_mismatch"
    assert request_row(scene.db) == ("requested", None, None, 0)
    assert alerts(scene.db) == [("critical", f"refund_mismatch:{request}", 1)]
    assert scene.state() == "refund_pending"


def test_a_bounce_leaves_the_books(db: Database, people: Cast) -> None:
    scene = open_scene(db, people)
    scene.play.walk("B:end_conversation")
    payment = payment_entity(scene.order)
    scene.tell("payment.captured", payment=payment)
    (request,) = rows(db, "refunds", "id", "id")
    assert record(db, request[0], error=REFUSED) == "refund_failed"
    # The deal has no part in it.
    assert scene.steps("refund_failed") == 0
    refund = refund_entity(payment, receipt=str(request[0]))
    assert record(db, request[0], refund) == "refund_processed"
    assert ledger(db) == [("gateway", "bounced", AGREED), ("bounced", "returned", AGREED)]
    assert requests(db) == [("bounce", AGREED, "processed")]
    assert (scene.state(), scene.books()) == ("chat_closed", {})


def test_of_two_answers_at_once_one_settles(asked: tuple[Scene, Json, str]) -> None:
    scene, payment, request = asked
    refund = refund_entity(payment, receipt=request)
    outcomes: list[str] = []

    def answer(session: Database, number: int) -> None:
        outcomes.append(record(session, request, refund))

    assert play_at_once(scene.db, 4, 4, answer) == {OK: 4}
    assert sorted(outcomes) == ["noop"] * 3 + ["refund_processed"]
    assert ledger(scene.db)[1:] == [("held", "refunded", AGREED)]


def test_a_split_goes_back_in_part_and_the_rest_is_owed(db: Database, people: Cast) -> None:
    scene = open_scene(db, people)
    payment = scene.pay()
    scene.play.call("influencer", "start_work", {})
    scene.play.call("influencer", "raise_dispute", {})
    with db.signed_in_as(people.omkar):
        db.call("resolve_dispute", conversation_id=scene.id, verdict="split", refund_amount=2000)
    (request,) = rows(db, "refunds", "id", "id")
    whole = refund_entity(payment, receipt=str(request[0]))
    assert record(db, request[0], whole) == "refund_mismatch"
    part = refund_entity(payment, receipt=str(request[0]), amount=200_000)
    assert record(db, request[0], part) == "refund_processed"
    assert scene.books() == {"captured": AGREED, "refunded": 200_000, "released": 300_000}
    assert rows(db, "payouts", "amount_minor status", "id") == [(300_000, "owed")]
    assert rows(db, "payments", "refunded_minor", "payment_id") == [(200_000,)]


def test_a_request_nobody_made_is_refused(db: Database) -> None:
    with db.refused("INPUT_INVALID", 422, details={"field": "refund_id"}):
        record(db, uuid.uuid4())


def test_only_the_service_brings_answers(asked: tuple[Scene, Json, str]) -> None:
    scene, payment, request = asked
    given = {"refund_id": request, "entity": refund_entity(payment, made_up_id("rfnd"))}
    for user in (scene.people.bharat, scene.people.omkar):
        with scene.db.signed_in_as(user), scene.db.refused("42501"):
            scene.db.call("record_refund_result", **given)
    with scene.db.as_anon(), scene.db.refused("42501"):
        scene.db.call("record_refund_result", **given)
    assert scene.state() == "refund_pending"
