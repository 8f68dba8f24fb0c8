"""What operators see and do about payments: alerts, replays, payouts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.flow.deals import Cast, open_play
from tests.payments.scenes import (
    AGREED,
    Scene,
    audit,
    fixture,
    open_scene,
    rows,
)
from tests.support.databases import Database
from tests.support.payments import (
    event_body,
    payment_entity,
    store_event,
    take_event,
)

# Every function that is an operator's, with arguments that nobody else gets an answer to.
OPERATORS = {
    "list_alerts": {},
    "resolve_alert": {"alert_id": 1},
    "replay_payment_event": {"event_row_id": 1},
    "scrub_payment_events": {},
    "list_payouts": {},
    "mark_payout_paid": {"payout_id": uuid.UUID(int=1), "reference": "UTR 1"},
    "mark_payment_returned": {"refund_id": uuid.UUID(int=1), "reference": "UTR 1"},
    "get_metrics": {},
    "diagnose_conversation": {"conversation_id": uuid.UUID(int=1)},
    "take_refund_requests": {},
}


@contextmanager
def operator(db: Database, people: Cast) -> Iterator[Database]:
    """An operator is signed in."""
    with db.signed_in_as(people.omkar):
        yield db


def ask(scene: Scene, function: str, **arguments: Any) -> Any:
    """An operator calls."""
    with operator(scene.db, scene.people) as db:
        return db.call(function, **arguments)


@pytest.mark.parametrize(("function", "arguments"), OPERATORS.items())
def test_what_is_an_operators_is_nobody_elses(
    db: Database, people: Cast, function: str, arguments: dict[str, Any]
) -> None:
    for user in (people.asha, people.bharat, people.chitra):
        with db.signed_in_as(user), db.refused("FORBIDDEN", 403):
            db.call(function, **arguments)
        # A role that a user writes into their own data makes no operator.
        claims = {"user_metadata": {"role": "admin"}, "is_admin": True}
        with db.signed_in_as(user, None, **claims), db.refused("FORBIDDEN", 403):
            db.call(function, **arguments)
    with db.as_anon(), db.refused("42501"):
        db.call(function, **arguments)
    if arguments:
        return
    for visitor in (db.as_service(), operator(db, people)):
        with visitor:
            db.call(function, **arguments)


# Alerts


def raise_alerts(db: Database, count: int) -> list[int]:
    """So many open alerts; their ids."""
    for number in range(count):
        take_event(db, b"not an event %d" % number)
    return [row[0] for row in rows(db, "alerts", "id", "id")]


def test_an_alert_says_all_that_is_needed(scene: Scene) -> None:
    scene.pay("pay_First1")
    answer = scene.tell("payment.captured", payment=payment_entity(scene.order, "pay_Second1"))
    assert answer["outcome"] == "double_payment"
    (event,) = scene.db.query("select max(id) as id from private.payment_events")
    (alert,) = ask(scene, "list_alerts")
    (row,) = rows(scene.db, "alerts", "id", "id")
    wanted = {
        "id": row[0],
        "kind": "double_payment",
        "severity": "critical",
        "status": "open",
        "conversation_id": scene.id,
        "razorpay_order_id": scene.order.razorpay_order_id,
        "razorpay_payment_id": "pay_Second1",
        "event_row_id": event["id"],
        "seen": 1,
        "resolved_at": None,
        "note": None,
    }
    assert {key: alert[key] for key in wanted} == wanted
    assert set(alert) - set(wanted) == {
        "details", "dispute_days", "first_seen_at", "last_seen_at", "reminder",
    }  # fmt: skip
    assert alert["details"]["asked_minor"] == AGREED


def test_alerts_come_newest_first_page_by_page(db: Database, people: Cast) -> None:
    ids = raise_alerts(db, 5)
    with operator(db, people):
        first = db.call("list_alerts", page_size=2)
        second = db.call("list_alerts", page_size=2, before=first[-1]["id"])
        last = db.call("list_alerts", page_size=2, before=second[-1]["id"])
        assert [a["id"] for a in first + second + last] == ids[::-1]
        assert db.call("list_alerts", before=ids[0]) == []
        assert len(db.call("list_alerts", page_size=0)) in (1, 5)
        assert db.call("list_alerts", severity="warning") == []
        assert len(db.call("list_alerts", severity=first[0]["severity"])) == 5
        with db.refused("INPUT_INVALID", 422, details={"field": "severity"}):
            db.call("list_alerts", severity="loud")
        for status in ("new", "", None):
            with db.refused("INPUT_INVALID", 422, details={"field": "status"}):
                db.call("list_alerts", status=status)


def test_a_resolved_alert_is_off_the_list_and_the_same_cause_makes_a_new_one(
    scene: Scene,
) -> None:
    db, body = scene.db, fixture("fault.unknown_order")
    take_event(db, body)
    (alert,) = ask(scene, "list_alerts")
    resolved = ask(scene, "resolve_alert", alert_id=alert["id"], note="Another product's.")
    assert resolved == {"id": alert["id"], "status": "resolved"}
    assert ask(scene, "list_alerts") == []
    (done,) = ask(scene, "list_alerts", status="resolved")
    assert (done["id"], done["note"], done["resolved_at"] is None) == (
        alert["id"],
        "Another product's.",
        False,
    )
    assert rows(db, "alerts", "resolved_by", "id") == [(scene.people.omkar,)]
    with operator(db, scene.people):
        for other in (alert["id"], 0, None):
            with db.refused("INPUT_INVALID", 422, details={"field": "alert_id"}):
                db.call("resolve_alert", alert_id=other)
    take_event(db, body)
    (renewed,) = ask(scene, "list_alerts")
    assert (renewed["id"] > alert["id"], renewed["seen"]) == (True, 1)


def test_a_note_has_an_end_and_is_cleaned_like_every_text(db: Database, people: Cast) -> None:
    (alert,) = raise_alerts(db, 1)
    with operator(db, people):
        for note, rule in (("n" * 1001, "max"), ("n\u0007", "control_characters")):
            with db.refused("INPUT_INVALID", 422, details={"field": "note", "rule": rule}):
                db.call("resolve_alert", alert_id=alert, note=note)
        db.call("resolve_alert", alert_id=alert, note="n" * 1000 + " \u202e")
    assert rows(db, "alerts", "note", "id") == [("n" * 1000,)]


def test_the_service_resolves_in_nobodys_name(db: Database) -> None:
    (alert,) = raise_alerts(db, 1)
    with db.as_service():
        db.call("resolve_alert", alert_id=alert)
    assert rows(db, "alerts", "status resolved_by", "id") == [("resolved", None)]


# Replays and old bodies


def test_a_parked_event_is_processed_again_once_its_cause_is_mended(scene: Scene) -> None:
    body = event_body("payment.captured", payment=payment_entity(scene.order))
    event = store_event(scene.db, body, account_id="acc_Another0000001")
    with scene.db.as_service():
        scene.db.call("process_payment_event", event_row_id=event)
    assert ask(scene, "replay_payment_event", event_row_id=event)["outcome"] == "foreign_account"
    scene.db.query("update private.payment_events set account_id = null")
    assert ask(scene, "replay_payment_event", event_row_id=event)["outcome"] == "applied"
    assert ask(scene, "replay_payment_event", event_row_id=event)["outcome"] == "duplicate"
    assert audit(scene.db) == [(f"operator:{scene.people.omkar}", "applied")]


def test_an_event_that_nobody_came_back_to_is_replayed(scene: Scene) -> None:
    event = store_event(scene.db, fixture("order.paid.card"))
    with scene.db.as_service():
        answer = scene.db.call("replay_payment_event", event_row_id=event)
    assert (answer["outcome"], scene.state()) == ("applied", "payment_completed")
    assert audit(scene.db) == [("operator:service", "applied")]


def test_a_replay_of_what_bounced_moves_no_money_again(scene: Scene) -> None:
    scene.pay()
    scene.tell("payment.captured", payment=payment_entity(scene.order))
    (event,) = scene.db.query("select max(id) as id from private.payment_events")
    answer = ask(scene, "replay_payment_event", event_row_id=event["id"])
    assert (answer["outcome"], answer["status"]) == ("noop", "processed")
    assert len(rows(scene.db, "refunds", "id", "id")) == 1


def test_an_event_nobody_stored_is_not_replayed(scene: Scene) -> None:
    with operator(scene.db, scene.people) as db, db.refused("INPUT_INVALID", 422):
        db.call("replay_payment_event", event_row_id=1)


def test_bodies_are_kept_180_days(scene: Scene) -> None:
    db = scene.db
    for days, name in ((181, "order.paid.card"), (179, "order.paid.wallet")):
        take_event(db, fixture(name))
        db.query(
            "update private.payment_events set received_at = now() - %s * interval '1 day'"
            " where id = (select max(id) from private.payment_events)",
            days,
        )
    waiting = store_event(db, fixture("payment.captured.upi"))
    db.query(
        "update private.payment_events set received_at = now() - interval '1 year' where id = %s",
        waiting,
    )
    assert ask(scene, "scrub_payment_events") == {"scrubbed": 1}
    kept = [(row[0] is not None, row[1]) for row in rows(db, "payment_events", "body status", "id")]
    # One that was never processed keeps its body: it holds news.
    assert kept == [(False, "processed"), (True, "processed"), (True, "received")]
    (first,) = db.query("select * from private.payment_events order by id limit 1")
    assert (first["event_type"], first["outcome"]) == ("order.paid", "applied")
    assert first["sha256"] is not None
    assert ask(scene, "scrub_payment_events") == {"scrubbed": 0}


def test_a_scrubbed_event_is_not_replayed(scene: Scene) -> None:
    take_event(scene.db, b"not an event")
    scene.db.query("update private.payment_events set received_at = now() - interval '1 year'")
    assert ask(scene, "scrub_payment_events", max_rows=1) == {"scrubbed": 1}
    (event,) = rows(scene.db, "payment_events", "id", "id")
    answer = ask(scene, "replay_payment_event", event_row_id=event[0])
    assert (answer["outcome"], answer["status"]) == ("duplicate", "parked")


# Payouts


def finish(scene: Scene) -> None:
    """The work is approved."""
    scene.pay()
    for role, action in (
        ("influencer", "start_work"),
        ("influencer", "submit_work"),
        ("brand_owner", "approve_work"),
    ):
        scene.play.call(role, action, scene.play.usual(action))


def test_what_is_owed_is_listed_oldest_first_and_marked(db: Database, people: Cast) -> None:
    scenes = [open_scene(db, people) for _ in range(3)]
    for scene in scenes:
        finish(scene)
    with operator(db, people):
        first = db.call("list_payouts", page_size=2)
        rest = db.call("list_payouts", page_size=2, after=first[-1]["id"])
        assert [p["conversation_id"] for p in first + rest] == [scene.id for scene in scenes]
        assert db.call("list_payouts", after=rest[-1]["id"]) == []
        payout = first[0]
        assert (payout["amount_minor"], payout["currency"], payout["status"]) == (
            AGREED,
            "INR",
            "owed",
        )
        assert payout["influencer_id"] == str(people.asha)
        marked = db.call("mark_payout_paid", payout_id=payout["id"], reference="UTR 7")
        assert marked == {"id": payout["id"], "status": "paid"}
        assert len(db.call("list_payouts")) == 2
        (paid,) = db.call("list_payouts", status="paid")
        assert (paid["reference"], paid["paid_at"] is None) == ("UTR 7", False)
        with db.refused("INPUT_INVALID", 422, details={"field": "payout_id"}):
            db.call("mark_payout_paid", payout_id=payout["id"], reference="UTR 8")
        with db.refused("INPUT_INVALID", 422, details={"field": "status"}):
            db.call("list_payouts", status="lost")
    assert audit(db)[-1] == (f"operator:{people.omkar}", "payout_paid")


@pytest.mark.parametrize("reference", [None, "", "  ", "r" * 201, "UTR\u0007"])
def test_a_payout_needs_a_proof(db: Database, people: Cast, reference: str | None) -> None:
    scene = open_scene(db, people)
    finish(scene)
    (payout,) = ask(scene, "list_payouts")
    with operator(db, people), db.refused("INPUT_INVALID", 422, details={"field": "reference"}):
        db.call("mark_payout_paid", payout_id=payout["id"], reference=reference)
    assert rows(db, "payouts", "status", "id") == [("owed",)]
    assert ask(scene, "mark_payout_paid", payout_id=payout["id"], reference="r" * 200)


def released(db: Database, people: Cast) -> tuple[str, Any]:
    """A deal whose influencer is owed a payout."""
    play = open_play(db, people, "bid", "real_time")
    with operator(db, people):
        (payout,) = db.call("list_payouts")
    return play.id, payout


def test_an_influencer_reads_their_payouts_and_hears_when_one_was_made(
    db: Database, people: Cast
) -> None:
    deal, payout = released(db, people)

    def mine(user: uuid.UUID) -> Any:
        with db.signed_in_as(user):
            return db.call("get_payouts")

    (owed,) = mine(people.asha)
    assert (owed["id"], owed["status"], owed["conversation_id"]) == (
        payout["id"], "owed", deal,
    )  # fmt: skip
    assert (owed["amount_minor"], owed["reference"], owed["paid_at"]) == (
        payout["amount_minor"], None, None,
    )  # fmt: skip
    assert mine(people.bharat) == mine(people.chitra) == []
    with operator(db, people):
        db.call("mark_payout_paid", payout_id=payout["id"], reference=" UTR\u202e 7")
    (paid,) = mine(people.asha)
    assert (paid["status"], paid["reference"], paid["paid_at"] is None) == ("paid", "UTR 7", False)
    with db.signed_in_as(people.asha):
        assert db.call("get_payouts", before=paid["id"]) == []
        newest = db.call("get_notifications")[0]
    assert (newest["type"], newest["data"]["payout_id"]) == ("payment", payout["id"])
    with db.as_anon(), db.refused("42501"):
        db.call("get_payouts")


def test_an_operator_pays_out_nothing_to_themselves(db: Database, people: Cast) -> None:
    _, payout = released(db, people)
    for member in (people.asha, people.bharat):
        db.query("insert into private.admins (user_id) values (%s)", member)
        with db.signed_in_as(member), db.refused("FORBIDDEN", 403):
            db.call("mark_payout_paid", payout_id=payout["id"], reference="UTR 7")
        gift = {"user_id": member, "points": 9, "reason": "mine", "grant_id": uuid.uuid4()}
        with db.signed_in_as(member), db.refused("FORBIDDEN", 403):
            db.call("grant_points", **gift)
    with operator(db, people):
        assert db.call("list_payouts")[0]["status"] == "owed"
