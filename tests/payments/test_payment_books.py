"""The tables of payments refuse what cannot be, and keep what was done."""

from __future__ import annotations

import pytest

from tests.flow.deals import Cast
from tests.payments.scenes import Scene, audit, open_refund, refund_event
from tests.support.databases import Database
from tests.support.payments import dispute_entity, payment_entity

IMPOSSIBLE = {
    "payments": (
        "status = 'gone'",
        "amount_minor = 0",
        "refunded_minor = -1",
    ),
    "payment_refunds": ("status = 'gone'", "amount_minor = 0"),
    "payment_disputes": ("status = 'gone'", "amount_minor = 0"),
    "payment_events": (
        "status = 'gone'",
        "secret_slot = 'next'",
        "mode = 'none'",
    ),
    "alerts": ("status = 'resolved'", "resolved_at = now()", "severity = 'odd'"),
    "refunds": ("status = 'gone'", "amount_minor = 0", "kind = 'gift'"),
}


@pytest.fixture
def full(db: Database, people: Cast) -> Scene:
    """A deal with a row in every table of payments."""
    scene, payment, _ = open_refund(db, people)
    refund_event(scene, "created", payment, amount=1)
    scene.tell("payment.dispute.created", payment=payment, dispute=dispute_entity(payment))
    return scene


@pytest.mark.parametrize(
    "change", ["update private.payment_audit set actor = 'x'", "delete from private.payment_audit",
               "truncate private.payment_audit"],
)  # fmt: skip
def test_what_was_done_is_never_changed(full: Scene, change: str) -> None:
    before = audit(full.db)
    assert before
    with full.db.refused("23001"):
        full.db.query(change)
    with full.db.refused("23001"):
        full.db.query_as_superuser(change)
    assert audit(full.db) == before


@pytest.mark.parametrize(
    ("table", "change"),
    [(table, change) for table, changes in IMPOSSIBLE.items() for change in changes],
)
def test_no_table_takes_what_cannot_be(full: Scene, table: str, change: str) -> None:
    with full.db.refused("23514"):
        full.db.query(f"update private.{table} set {change}")  # noqa: S608


def test_one_event_has_one_row(full: Scene) -> None:
    with full.db.refused("23505"):
        full.db.query("update private.payment_events set event_id = 'the same'")


def test_one_deal_has_one_open_order(full: Scene) -> None:
    with full.db.refused("23505"):
        full.db.query(
            "insert into private.payment_orders (conversation_id, amount_minor, currency, status)"
            " select conversation_id, 1, 'INR', 'open' from private.payment_orders"
            " union all"
            " select conversation_id, 1, 'INR', 'open' from private.payment_orders"
        )


def test_a_paid_payout_has_a_time(db: Database, people: Cast) -> None:
    scene, _, _ = open_refund(db, people)
    db.query(
        "insert into private.payouts"
        " (conversation_id, influencer_id, amount_minor, currency, created_at)"
        " values (%s, %s, 1, 'INR', now())",
        *(scene.id, people.asha),
    )
    with db.refused("23514"):
        db.query("update private.payouts set status = 'paid'")


@pytest.mark.parametrize("value", ['"play"', "null", "true", '["test"]'])
def test_there_are_two_modes(db: Database, value: str) -> None:
    with db.refused("23514"):
        db.query("update private.settings set value = %s where key = 'payment_mode'", value)


@pytest.mark.parametrize("table", [*IMPOSSIBLE, "payment_orders", "payment_audit"])
def test_no_client_reads_the_books(full: Scene, table: str) -> None:
    db = full.db
    query = f"select * from private.{table}"  # noqa: S608
    assert db.query(query)
    for visitor in (
        db.signed_in_as(full.people.bharat),
        db.signed_in_as(full.people.omkar),
        db.as_anon(),
        db.as_service(),
    ):
        with visitor, db.refused("42501"):
            db.select(query)


def test_a_payment_needs_an_order(full: Scene) -> None:
    payment = payment_entity(full.order)
    with full.db.refused("23503"):
        full.db.query(
            "insert into private.payments"
            " (payment_id, payment_order_id, amount_minor, currency, status)"
            " values (%s, gen_random_uuid(), 1, 'INR', 'created')",
            payment["id"],
        )
