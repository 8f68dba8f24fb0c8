"""take_refund_requests: money that is to go back is handed out, to one sender at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.flow.deals import Cast
from tests.payments.scenes import Scene, open_refund, open_scene, refund_event, rows
from tests.support.databases import PATIENCE, Database
from tests.support.payments import payment_entity


def take(db: Database, **given: Any) -> Any:
    """A sender asks for work."""
    with db.as_service():
        return db.call("take_refund_requests", **given)


def let_pause_pass(db: Database) -> None:
    db.query("update private.refunds set next_try_at = now()")


def bounce(db: Database, people: Cast) -> Scene:
    """A deal that was paid after its end: the money is to go back."""
    scene = open_scene(db, people)
    scene.play.walk("B:end_conversation")
    answer = scene.tell("payment.captured", payment=payment_entity(scene.order))
    assert answer["outcome"] == "captured_after_closed"
    return scene


def test_a_request_says_all_that_razorpay_needs(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    assert take(db) == [
        {
            "refund_id": request,
            "conversation_id": scene.id,
            "payment_id": payment["id"],
            "amount_minor": payment["amount"],
            "currency": "INR",
            "mode": "test",
            "tries": 1,
            "may_be_sent": True,
            "idempotency_key": f"refund-{request}-1",
            "razorpay_refund_id": None,
            "receipt": request,
            "notes": {"reason": "decline_work", "kind": "deal"},
        }
    ]
    (row,) = rows(db, "refunds", "status tries", "id")
    assert row == ("requested", 1)


def test_each_comes_again_after_a_pause_that_doubles(db: Database, people: Cast) -> None:
    open_refund(db, people)
    pauses = []
    for _ in range(12):
        assert len(take(db)) == 1
        assert take(db) == []
        pauses.append(
            db.value("select round(extract(epoch from next_try_at - now())) from private.refunds")
        )
        let_pause_pass(db)
    assert pauses[0] == pytest.approx(20, abs=2)
    for before, after in pairwise(pauses[:8]):
        assert after == pytest.approx(2 * before, abs=4)
    assert pauses[8:] == [pytest.approx(3600, abs=2)] * 4


def test_the_key_stays_until_the_refund_fails_at_the_bank(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)

    def key() -> Any:
        let_pause_pass(db)
        (taken,) = take(db)
        return taken["idempotency_key"], taken["razorpay_refund_id"]

    assert key() == key() == (f"refund-{request}-1", None)
    refund, answer = refund_event(scene, "created", payment, receipt=request)
    assert answer["outcome"] == "refund_pending"
    # It was sent: from now on it is asked about.
    assert key() == (f"refund-{request}-1", refund["id"])
    _, answer = refund_event(scene, "failed", payment, refund["id"], receipt=request)
    assert answer["outcome"] == "refund_failed"
    assert key() == (f"refund-{request}-2", None)


def test_a_batch_is_as_long_as_was_asked_for_oldest_first(db: Database, people: Cast) -> None:
    scenes = [bounce(db, people) for _ in range(4)]
    wanted = [scene.id for scene in scenes]
    assert [taken["conversation_id"] for taken in take(db, max_rows=3)] == wanted[:3]
    assert [taken["conversation_id"] for taken in take(db)] == wanted[3:]
    assert take(db) == []


@pytest.mark.parametrize("number", [0, -1, None])
def test_an_odd_number_is_still_a_batch(db: Database, people: Cast, number: int | None) -> None:
    bounce(db, people)
    assert len(take(db, max_rows=number)) == 1


def test_two_senders_at_once_get_different_ones(db: Database, people: Cast) -> None:
    first, second = bounce(db, people), bounce(db, people)
    other = db.session()
    with db.transaction():
        (mine,) = take(db, max_rows=1)
        with other.as_service():
            theirs = other.start("take_refund_requests", max_rows=5).result(PATIENCE)
    assert [mine["conversation_id"], *(t["conversation_id"] for t in theirs)] == [
        first.id,
        second.id,
    ]


def test_what_has_gone_through_is_not_handed_out(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    _, answer = refund_event(scene, "processed", payment, receipt=request)
    assert answer["outcome"] == "refund_processed"
    let_pause_pass(db)
    assert take(db) == []


def test_a_request_of_the_other_mode_says_so(db: Database, people: Cast) -> None:
    open_refund(db, people)
    db.query("update private.payment_orders set mode = 'live'")
    assert take(db)[0]["mode"] == "live"


def test_operators_may_take_and_users_not(db: Database, people: Cast) -> None:
    open_refund(db, people)
    for user in (people.bharat, people.asha, people.chitra):
        with db.signed_in_as(user), db.refused("FORBIDDEN", 403):
            db.call("take_refund_requests")
    with db.as_anon(), db.refused("42501"):
        db.call("take_refund_requests")
    with db.signed_in_as(people.omkar):
        assert len(db.call("take_refund_requests")) == 1


def test_a_key_is_one_that_razorpay_takes(db: Database, people: Cast) -> None:
    open_refund(db, people)
    (taken,) = take(db)
    key = taken["idempotency_key"]
    assert len(key) >= 10
    assert key.replace("-", "").replace("_", "").isalnum()
    assert len(taken["receipt"]) <= 40
