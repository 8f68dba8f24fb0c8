"""begin_payment: one open order, for who pays, when there is something to pay."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import takewhile
from typing import Any

import pytest

from tests.flow.deals import SCENES, Cast, Play, gather_cast, move_back, open_play
from tests.payments.scenes import AGREED, Scene, rows
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database
from tests.support.operators import set_setting

CROWD = 8
BEFORE = [
    name
    for name in takewhile(lambda name: name != "payment_pending", SCENES["bid"])
    if name != "chat_closed"
]
AFTER = [
    "payment_completed",
    "work_in_progress",
    "work_submitted",
    "disputed by I during work",
    "refund_pending",
    "real_time",
    "chat_closed after a refund",
    "chat_closed after success",
]


def begin(play: Play, **claims: Any) -> Any:
    """The brand owner is about to pay."""
    with play.db.signed_in_as(play.cast.bharat, **claims):
        return play.db.call("begin_payment", conversation_id=play.id)


def orders(db: Database) -> list[tuple[Any, ...]]:
    return rows(db, "payment_orders", "amount_minor mode status", "created_at, status desc")


def presses(play: Play) -> int:
    count: int = play.db.value(
        "select count(*) from public.conversation_events"
        " where conversation_id = %s and action = 'proceed_to_payment'",
        play.id,
    )
    return count


@pytest.mark.parametrize("kind", ["bid", "campaign"])
def test_the_brand_owner_gets_one_order_and_has_pressed_pay_with_it(
    db: Database, people: Cast, kind: str
) -> None:
    play = open_play(db, people, kind, "payment_pending")
    with db.signed_in_as(people.bharat):
        db.call(
            "complete_profile", role="brand_owner", display_name="Bharat", phone="+919800000001"
        )
    answer = begin(play, email="bharat@example.com")
    (row,) = db.query("select id::text, receipt from private.payment_orders")
    assert answer == {
        "payment_order_id": row["id"],
        "receipt": row["id"],
        "amount_minor": AGREED,
        "currency": "INR",
        "mode": "test",
        "razorpay_order_id": None,
        "has_checkout": False,
        "status": "open",
        "kind": kind,
        "prefill": {
            "name": "Bharat",
            "email": "bharat@example.com",
            "contact": "+919800000001",
        },
    }
    assert len(row["receipt"]) == 36
    assert presses(play) == 1
    assert play.stored()["flow_data"]["payment_order"]["payment_order_id"] == row["id"]


def test_asked_again_it_is_the_same_order_and_no_second_press(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    first = begin(play)
    version = play.stored()["version"]
    assert begin(play) == first
    assert (presses(play), play.stored()["version"]) == (1, version)
    assert orders(db) == [(AGREED, "test", "open")]


def test_an_hour_after_the_last_press_it_presses_again(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    first = begin(play)
    move_back(db, play.id, timedelta(minutes=59))
    assert begin(play) == first
    assert presses(play) == 1
    move_back(db, play.id, timedelta(minutes=2))
    assert begin(play) == first
    assert presses(play) == 2


def test_an_order_that_is_attached_is_answered_with_its_id(scene: Scene) -> None:
    answer = begin(scene.play)
    assert answer["razorpay_order_id"] == scene.order.razorpay_order_id
    assert answer["payment_order_id"] == scene.order.payment_order_id


def test_what_is_not_known_of_the_payer_is_null(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    prefill = {"name": "brand_owner", "email": None, "contact": None}
    assert begin(play)["prefill"] == prefill
    assert begin(play, email="")["prefill"] == prefill


def test_many_presses_at_once_are_one_order(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    answers: list[Any] = []

    def press(session: Database, number: int) -> None:
        with session.signed_in_as(people.bharat):
            answers.append(session.call("begin_payment", conversation_id=play.id))

    assert play_at_once(db, CROWD, CROWD, press) == {OK: CROWD}
    assert all(answer == answers[0] for answer in answers)
    assert orders(db) == [(AGREED, "test", "open")]
    assert presses(play) == 1


def test_another_price_supersedes_the_order(scene: Scene) -> None:
    scene.db.query("update private.conversations set amount_minor = 600000 where id = %s", scene.id)
    answer = begin(scene.play)
    assert answer["payment_order_id"] != scene.order.payment_order_id
    assert (answer["amount_minor"], answer["razorpay_order_id"]) == (600_000, None)
    assert orders(scene.db) == [(AGREED, "test", "superseded"), (600_000, "test", "open")]


def test_another_mode_supersedes_the_order(scene: Scene) -> None:
    set_setting(scene.db, "payment_mode", "live")
    assert begin(scene.play)["mode"] == "live"
    assert orders(scene.db) == [(AGREED, "test", "superseded"), (AGREED, "live", "open")]


@pytest.mark.parametrize("state", BEFORE)
def test_there_is_nothing_to_pay_before_a_price_is_agreed(
    db: Database, people: Cast, state: str
) -> None:
    play = open_play(db, people, "bid", state)
    with db.refused("PAYMENT_NOT_READY", 409):
        begin(play)
    assert orders(db) == []


@pytest.mark.parametrize("state", AFTER)
def test_what_is_paid_is_not_paid_again(db: Database, people: Cast, state: str) -> None:
    play = open_play(db, people, "bid", state)
    before = orders(db)
    with db.refused("PAYMENT_ALREADY_DONE", 409):
        begin(play)
    assert orders(db) == before


def test_a_closed_deal_that_was_never_paid_is_closed(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "chat_closed unpaid with an order")
    with db.refused("CHAT_CLOSED", 409):
        begin(play)


def test_a_deal_whose_time_to_pay_is_over_is_closed(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    move_back(db, play.id, timedelta(days=60))
    with db.refused("CHAT_CLOSED", 409):
        begin(play)


def test_the_influencer_does_not_pay(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    with (
        db.signed_in_as(people.asha),
        db.refused("NOT_YOUR_TURN", 409, details={"awaiting_role": "brand_owner"}),
    ):
        db.call("begin_payment", conversation_id=play.id)
    assert (orders(db), presses(play)) == ([], 0)
    assert begin(play)["status"] == "open"


def test_a_stranger_gets_the_answer_of_a_wrong_id(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    with db.signed_in_as(people.chitra):
        for conversation in (play.id, uuid.uuid4(), None):
            with db.refused("CONVERSATION_NOT_FOUND", 404):
                db.call("begin_payment", conversation_id=conversation)
    assert begin(play)["status"] == "open"


def test_nobody_pays_without_a_user(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    for visitor in (db.as_anon, db.as_service):
        with visitor(), db.refused("42501"):
            db.call("begin_payment", conversation_id=play.id)


def test_there_is_nothing_to_pay_in_a_direct_chat(db: Database, people: Cast) -> None:
    with db.signed_in_as(people.asha):
        talk = db.call("direct_connect", target_user_id=people.bharat)["conversation"]
    with db.signed_in_as(people.bharat), db.refused("PAYMENT_NOT_READY", 409):
        db.call("begin_payment", conversation_id=talk["conversation_id"])


@pytest.mark.parametrize(("amount", "is_enough"), [(99, False), (100, True)])
def test_razorpay_takes_no_less_than_a_rupee(
    db: Database, people: Cast, amount: int, is_enough: bool
) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    db.query("update private.conversations set amount_minor = %s where id = %s", amount, play.id)
    if is_enough:
        assert begin(play)["amount_minor"] == amount
        return
    with db.refused("PRICE_OUT_OF_RANGE", 422, details={"min": 1, "max": None}):
        begin(play)
    assert orders(db) == []


def test_whoever_presses_without_end_is_slowed_down(limited_db: Database) -> None:
    people = gather_cast(limited_db)
    play = open_play(limited_db, people, "bid", "payment_pending")
    set_setting(limited_db, "rate_action", {"burst": 2, "per_minute": 1})
    limited_db.query("delete from private.rate_limits")
    begin(play)
    begin(play)
    with limited_db.refused("RATE_LIMITED", 429) as refusal:
        begin(play)
    assert refusal.details["retry_after"] > 0
