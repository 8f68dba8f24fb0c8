"""process_payment_event: acts on an event once; our own faults are tried again, then set aside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.payments.scenes import (
    AGREED,
    BROKEN,
    Scene,
    alerts,
    audit,
    break_function,
    fixture,
    ledger,
)
from tests.support.crowds import OK, play_at_once
from tests.support.databases import PATIENCE, Database
from tests.support.payments import Json, event_body, payment_entity, store_event

CROWD = 8
FAULTS = {
    "a fault of ours": (BROKEN, "P0001"),
    "a division by zero": ("perform 1 / 0;", "22012"),
    "a table that is gone": ("perform 1 from private.gone;", "42P01"),
    "one of our own refusals": ("perform private.raise_chat_closed();", "PGRST"),
}


def process(db: Database, event: int, **more: Any) -> Any:
    """The app has an event processed."""
    with db.as_service():
        return db.call("process_payment_event", event_row_id=event, **more)


def captured(scene: Scene) -> int:
    """An event that the deal is paid, stored."""
    return store_event(
        scene.db, event_body("payment.captured", payment=payment_entity(scene.order))
    )


def events(scene: Scene) -> list[tuple[Any, ...]]:
    return scene.rows("payment_events", "status outcome attempts", "id")


def test_an_event_is_processed_and_says_what_it_came_to(scene: Scene) -> None:
    event = store_event(scene.db, fixture("order.paid.card"))
    assert process(scene.db, event) == {
        "outcome": "applied",
        "status": "processed",
        "event_type": "order.paid",
        "conversation_id": scene.id,
        "razorpay_order_id": "order_CnvPay00000001",
        "flow_state": "payment_completed",
        "razorpay_payment_id": "pay_CnvPay0000001A",
    }
    (row,) = scene.db.query("select * from private.payment_events")
    assert (row["status"], row["outcome"], row["attempts"]) == ("processed", "applied", 1)
    assert (row["error"], row["processed_at"] is None) == (None, False)
    assert audit(scene.db) == [("webhook", "applied")]


def test_an_event_is_acted_on_once(scene: Scene) -> None:
    event = captured(scene)
    assert process(scene.db, event)["outcome"] == "applied"
    before = scene.play.stored()
    again = process(scene.db, event)
    assert (again["outcome"], again["status"]) == ("duplicate", "processed")
    assert scene.play.stored() == before
    assert audit(scene.db) == [("webhook", "applied")]


def test_of_many_at_once_one_acts(lasting_scene: Scene) -> None:
    scene = lasting_scene
    event = captured(scene)
    outcomes: list[str] = []

    def act(session: Database, number: int) -> None:
        outcomes.append(process(session, event)["outcome"])

    assert play_at_once(scene.db, CROWD, CROWD, act) == {OK: CROWD}
    assert sorted(outcomes) == ["applied"] + ["duplicate"] * (CROWD - 1)
    assert ledger(scene.db) == [("gateway", "held", AGREED)]


def test_different_events_about_one_payment_at_once_move_the_deal_once(
    lasting_scene: Scene,
) -> None:
    scene = lasting_scene
    payment = payment_entity(scene.order)
    bodies = [
        event_body("payment.authorized", payment={**payment, "status": "authorized"}),
        event_body("payment.captured", payment=payment),
        event_body("order.paid", payment=payment, order=scene.paid_order()),
    ] * 2
    stored = [store_event(scene.db, body) for body in bodies]

    def act(session: Database, number: int) -> None:
        assert process(session, stored[number])["status"] == "processed"

    assert play_at_once(scene.db, len(stored), len(stored), act) == {OK: len(stored)}
    assert (scene.state(), ledger(scene.db)) == (
        "payment_completed",
        [("gateway", "held", AGREED)],
    )
    assert scene.steps("payment_captured") == 1


def test_the_actor_stands_in_the_audit(scene: Scene) -> None:
    process(scene.db, captured(scene), actor="reconcile:somebody")
    assert audit(scene.db) == [("reconcile:somebody", "applied")]


def test_an_event_nobody_stored_is_refused(db: Database) -> None:
    for event in (1, None):
        with (
            db.as_service(),
            db.refused("INPUT_INVALID", 422, details={"field": "event_row_id"}),
        ):
            db.call("process_payment_event", event_row_id=event)


def test_only_the_service_processes(scene: Scene) -> None:
    event = captured(scene)
    for user in (scene.people.bharat, scene.people.omkar):
        with scene.db.signed_in_as(user), scene.db.refused("42501"):
            scene.db.call("process_payment_event", event_row_id=event)
    with scene.db.as_anon(), scene.db.refused("42501"):
        scene.db.call("process_payment_event", event_row_id=event)
    assert process(scene.db, event)["outcome"] == "applied"


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (place, kind)
        for place in ("read_payment", "merge_payment", "judge_payment", "settle_order")
        for kind in FAULTS
        # Bytes that cannot be read are the sender's fault.
        if (place, kind) != ("read_payment", "a division by zero")
    ],
)
def test_a_fault_of_ours_is_tried_again_four_times_then_set_aside_then_mended(
    scene: Scene, place: str, kind: str
) -> None:
    code, state = FAULTS[kind]
    db, event = scene.db, captured(scene)
    whole = break_function(db, place, code)
    for attempt in range(1, 5):
        answer = process(db, event)
        assert (answer["outcome"], answer["status"]) == ("try_again", "received")
        assert events(scene) == [("received", "try_again", attempt)]
        assert alerts(db) == []
    answer = process(db, event)
    assert (answer["outcome"], answer["status"]) == ("processing_failed", "parked")
    assert events(scene) == [("parked", "processing_failed", 5)]
    assert alerts(db) == [("critical", f"processing_failed:{event}", 1)]
    error = db.value("select error from private.payment_events")
    assert error.startswith(state)
    assert (scene.state(), ledger(db), scene.rows("payments", "status", "payment_id")) == (
        "payment_pending",
        [],
        [],
    )
    # Set aside is set aside: Razorpay's next delivery changes nothing.
    assert process(db, event)["outcome"] == "duplicate"
    with db.signed_in_as(scene.people.omkar):
        assert db.call("replay_payment_event", event_row_id=event)["status"] == "parked"
        db.query(whole)
        replayed = db.call("replay_payment_event", event_row_id=event)
    assert (replayed["outcome"], replayed["status"]) == ("applied", "processed")
    assert scene.state() == "payment_completed"
    assert audit(db)[-1] == (f"operator:{scene.people.omkar}", "applied")
    assert db.value("select error from private.payment_events") is None


def test_a_fault_that_passes_is_forgotten(scene: Scene) -> None:
    event = captured(scene)
    whole = break_function(scene.db, "settle_order")
    assert process(scene.db, event)["outcome"] == "try_again"
    scene.db.query(whole)
    assert process(scene.db, event)["outcome"] == "applied"
    assert events(scene) == [("processed", "applied", 2)]
    assert alerts(scene.db) == []


@pytest.fixture
def held(scene: Scene) -> Iterator[psycopg.Connection[Any]]:
    """A user's transaction that holds the deal, until the test ends it."""
    with psycopg.connect(scene.db.dsn()) as holder:
        holder.execute("select from private.conversations for update")
        yield holder


def waiting(scene: Scene) -> list[tuple[Any, ...]]:
    return scene.rows("payment_events", "status outcome attempts lock_timeouts", "id")


def poll(scene: Scene, *payments: Json) -> Any:
    """The app asks Razorpay, because somebody looks at the deal."""
    with scene.db.as_service():
        return scene.db.call(
            "apply_payment_snapshot",
            payment_order_id=scene.order.payment_order_id,
            order_entity=scene.paid_order(),
            payments=list(payments),
        )


@pytest.mark.parametrize("table", ["private.conversations", "private.payment_orders"])
def test_a_webhook_never_waits_for_a_user(scene: Scene, table: str) -> None:
    event = captured(scene)
    with psycopg.connect(scene.db.dsn()) as holder:
        # As whoever acts in the deal, or on its order, at this moment.
        holder.execute(f"select from {table} for update")
        for times in (1, 2):
            started = time.monotonic()
            answer = process(scene.db, event)
            assert time.monotonic() - started < 2.5
            assert (answer["outcome"], answer["status"]) == ("waiting", "received")
            assert waiting(scene) == [("received", "waiting", 0, times)]
            assert alerts(scene.db) == [("warning", f"waiting:{event}", times)]
    assert process(scene.db, event)["outcome"] == "applied"
    assert scene.state() == "payment_completed"
    assert scene.rows("alerts", "status note", "id") == [("resolved", "Applied by webhook")]


def test_the_next_event_of_the_deal_applies_what_waits(
    scene: Scene, held: psycopg.Connection[Any]
) -> None:
    payment = payment_entity(scene.order)
    event = store_event(scene.db, event_body("payment.captured", payment=payment))
    assert process(scene.db, event)["outcome"] == "waiting"
    held.rollback()
    scene.tell("payment.failed", payment={**payment_entity(scene.order), "status": "failed"})
    assert waiting(scene)[0] == ("processed", "applied", 1, 1)
    assert scene.state() == "payment_completed"


def test_a_poll_applies_what_waits(scene: Scene, held: psycopg.Connection[Any]) -> None:
    event = captured(scene)
    assert process(scene.db, event)["outcome"] == "waiting"
    held.rollback()
    assert poll(scene)["flow_state"] == "payment_completed"
    assert waiting(scene) == [("processed", "applied", 1, 1)]
    assert scene.rows("alerts", "status", "id") == [("resolved",)]


def test_a_touch_applies_what_waits_and_what_nobody_came_back_to(
    scene: Scene, held: psycopg.Connection[Any]
) -> None:
    db, event = scene.db, captured(scene)

    def touch() -> Any:
        with db.as_service():
            return db.call("apply_waiting_event")["outcome"]

    # Whoever stored it will process it in a moment.
    assert touch() is None
    assert process(db, event)["outcome"] == "waiting"
    # Each time it has to wait it is left alone for longer.
    assert touch() is None
    due = "update private.payment_events set next_try_at = now()"
    db.query(due)
    assert touch() == "waiting"
    held.rollback()
    db.query(due)
    assert touch() == "applied"
    assert touch() is None
    assert scene.state() == "payment_completed"


def test_a_touch_leaves_our_faults_to_razorpays_next_delivery(scene: Scene) -> None:
    event = captured(scene)
    break_function(scene.db, "settle_order")
    assert process(scene.db, event)["outcome"] == "try_again"
    scene.db.query("update private.payment_events set next_try_at = now()")
    with scene.db.as_service():
        assert scene.db.call("apply_waiting_event")["event_row_id"] is None
    assert events(scene) == [("received", "try_again", 1)]


def test_only_the_service_and_operators_touch(scene: Scene) -> None:
    with scene.db.signed_in_as(scene.people.bharat), scene.db.refused("FORBIDDEN", 403):
        scene.db.call("apply_waiting_event")
    with scene.db.as_anon(), scene.db.refused("42501"):
        scene.db.call("apply_waiting_event")
    with scene.db.signed_in_as(scene.people.omkar):
        assert scene.db.call("apply_waiting_event")["event_row_id"] is None


def test_two_that_process_one_event_follow_each_other(lasting_scene: Scene) -> None:
    scene = lasting_scene
    event, other = captured(scene), scene.db.session()
    with scene.db.transaction():
        assert process(scene.db, event)["outcome"] == "applied"
        with other.as_service():
            waiting = other.start("process_payment_event", event_row_id=event)
            scene.db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["outcome"] == "duplicate"


def test_a_poll_that_meets_a_webhook_moves_the_deal_once(lasting_scene: Scene) -> None:
    scene = lasting_scene
    payment = payment_entity(scene.order)
    event = store_event(scene.db, event_body("payment.captured", payment=payment))
    other = scene.db.session()
    with scene.db.transaction():
        process(scene.db, event)
        with other.as_service():
            waiting = other.start(
                "apply_payment_snapshot",
                payment_order_id=scene.order.payment_order_id,
                order_entity=scene.paid_order(),
                payments=[payment],
            )
            scene.db.wait_until_blocked(other)
    answer = waiting.result(PATIENCE)
    assert (answer["outcome"], answer["flow_state"]) == ("noop", "payment_completed")
    assert ledger(scene.db) == [("gateway", "held", AGREED)]
