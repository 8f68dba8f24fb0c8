"""Deals that wait for a payment or have one, what Razorpay says of them, and what is kept of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from tests.flow.deals import Cast, Play, open_play
from tests.support.databases import Database
from tests.support.payments import (
    Json,
    Order,
    attach_order,
    event_body,
    made_up_id,
    order_entity,
    payment_entity,
    refund_entity,
    take_event,
)

FIXTURES = Path(__file__).parent / "fixtures"
AGREED = 500_000
BROKEN = "raise exception 'a fault of ours';"


@dataclass(frozen=True)
class Scene:
    """A deal with its order at Razorpay."""

    db: Database
    people: Cast
    play: Play
    order: Order

    @property
    def id(self) -> str:
        """The conversation."""
        return self.play.id

    def rows(self, table: str, columns: str, order: str) -> list[tuple[Any, ...]]:
        """These columns of all rows of a private table."""
        return rows(self.db, table, columns, order)

    def books(self) -> dict[str, int]:
        """The sums of the deal that are not zero."""
        row = self.play.stored()
        names = ("captured", "held", "released", "fee", "refunded", "charged_back")
        return {name: row[f"{name}_minor"] for name in names if row[f"{name}_minor"]}

    def state(self) -> str:
        """Where the deal is."""
        state: str = self.play.stored()["flow_state"]
        return state

    def tell(self, event_type: str, /, **entities: Json) -> Json:
        """An event comes and is processed; the answer."""
        return take_event(self.db, event_body(event_type, **entities))

    def paid_order(self, **changes: Any) -> Json:
        """The order after it was paid."""
        paid = {"status": "paid", "amount_paid": self.order.amount_minor, "amount_due": 0}
        return order_entity(self.order, **{**paid, **changes})

    def pay(self, payment_id: str = "") -> Json:
        """The deal is paid; the payment."""
        payment = payment_entity(self.order, payment_id)
        answer = self.tell("payment.captured", payment=payment)
        assert answer["outcome"] == "applied", answer
        return payment

    def steps(self, action: str) -> int:
        """How often the deal took this step."""
        count: int = self.db.value(
            "select count(*) from public.conversation_events"
            " where conversation_id = %s and action = %s",
            *(self.id, action),
        )
        return count


def rows(db: Database, table: str, columns: str, order: str) -> list[tuple[Any, ...]]:
    """These columns of all rows of a private table."""
    query = sql.SQL("select {} from private.{} order by {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns.split())),
        sql.Identifier(table),
        sql.SQL(order),
    )
    return [tuple(row.values()) for row in db.query(query.as_string())]


def alerts(db: Database) -> list[tuple[Any, ...]]:
    """What operators are to look at: how grave, which cause, how often seen."""
    return rows(db, "alerts", "severity key seen", "id")


def audit(db: Database) -> list[tuple[Any, ...]]:
    """What was done about payments, by whom."""
    return rows(db, "payment_audit", "actor action", "id")


def ledger(db: Database) -> list[tuple[Any, ...]]:
    """Every entry: from where, to where, how much."""
    return rows(db, "escrow_ledger", "from_account to_account amount_minor", "id")


def requests(db: Database) -> list[tuple[Any, ...]]:
    """What is to go back: kind, amount, status."""
    return rows(db, "refunds", "kind amount_minor status", "requested_at, id")


def open_scene(
    db: Database,
    people: Cast,
    kind: str = "bid",
    state: str = "payment_pending with an order",
    razorpay_order_id: str = "",
) -> Scene:
    """A deal of its own in this state, and an order that Razorpay has."""
    play = open_play(db, people, kind, state)
    return Scene(db, people, play, attach_order(db, play.id, razorpay_order_id))


def open_refund(db: Database, people: Cast) -> tuple[Scene, Json, str]:
    """A deal whose money is to go back whole, its payment, and what asks for it."""
    scene = open_scene(db, people)
    payment = scene.pay()
    with db.signed_in_as(people.asha):
        db.call("take_action", conversation_id=scene.id, action="decline_work")
    (request,) = db.query("select id::text from private.refunds")
    return scene, payment, request["id"]


def refunded(payment: Json, amount: int | None = None) -> Json:
    """The payment as Razorpay shows it after it was given back."""
    back = payment["amount"] if amount is None else amount
    whole = back == payment["amount"]
    return {
        **payment,
        "amount_refunded": back,
        "status": "refunded" if whole else payment["status"],
        "refund_status": "full" if whole else "partial",
    }


def refund_event(
    scene: Scene, status: str, payment: Json, refund_id: str = "", **changes: Any
) -> tuple[Json, Json]:
    """An event about a refund; the refund and the answer."""
    refund = refund_entity(payment, refund_id or made_up_id("rfnd"), status=status, **changes)
    shown = payment if status == "failed" else refunded(payment, refund["amount"])
    return refund, scene.tell(f"refund.{status}", refund=refund, payment=shown)


def fixture(name: str) -> bytes:
    """The bytes of a published sample, or of one that is wrong on purpose."""
    return (FIXTURES / f"{name}.json").read_bytes()


def break_function(db: Database, name: str, code: str = BROKEN) -> str:
    """Let a function fail from now on; its definition, to mend it with."""
    whole: str = db.value(
        "select pg_get_functiondef(p.oid) from pg_catalog.pg_proc as p"
        " where p.pronamespace = 'private'::regnamespace and p.proname = %s",
        name,
    )
    head, begin, body = whole.partition("\nbegin\n")
    assert begin, f"{name} has no body to break"
    db.query(f"{head}\nbegin\n{code}\n{body}")
    return whole


def members(scene: Scene) -> dict[uuid.UUID, Any]:
    """The version of the conversation as each member has it."""
    return {
        row["user_id"]: row["version"]
        for row in scene.db.query(
            "select user_id, version from private.participants where conversation_id = %s",
            scene.id,
        )
    }
