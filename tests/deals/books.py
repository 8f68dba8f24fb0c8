"""Deals that are paid, and what stands in the tables of their money."""

from __future__ import annotations

import uuid
from typing import Any

from psycopg import sql

from tests.flow.deals import Cast, Play, open_play
from tests.flow.rows import PARTIES
from tests.flow.stages import Stage

AGREED = 500_000
ACCOUNTS = ("held", "released", "fee", "refunded", "charged_back")
Entry = tuple[str, str, int, str | None]


def set_fee(stage: Stage, cast: Cast, kind: str, basis_points: int) -> None:
    """Publish the flow with a fee."""
    spec = stage.value(
        "select private.flow_spec(id) from private.flow_definitions"
        " where kind = %s and status = 'published'",
        kind,
    )
    spec["rules"]["fee_basis_points"] = basis_points
    with stage.signed_in_as(cast.omkar):
        stage.call("publish_flow", spec=spec)


def rows(play: Play, table: str, columns: str, order: str) -> list[tuple[Any, ...]]:
    """These columns of the deal's rows."""
    query = sql.SQL("select {} from private.{} where conversation_id = %s order by {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns.split())),
        sql.Identifier(table),
        sql.SQL(order),
    )
    return [tuple(row.values()) for row in play.db.query(query.as_string(), play.id)]


def ledger(play: Play) -> list[Entry]:
    """Every entry: from where, to where, how much, by which payment."""
    return rows(play, "escrow_ledger", "from_account to_account amount_minor payment_id", "id")


def refunds(play: Play) -> list[tuple[Any, ...]]:
    """Kind, amount, state, attempts and reference of what is to go back."""
    return rows(
        play, "refunds", "kind amount_minor status attempts reference", "kind, amount_minor"
    )


def payouts(play: Play) -> list[tuple[Any, ...]]:
    """What is owed to whom."""
    return rows(play, "payouts", "influencer_id amount_minor currency status", "id")


def orders(play: Play) -> list[tuple[Any, ...]]:
    """What was asked for, and what became of it."""
    return rows(play, "payment_orders", "amount_minor currency status", "created_at, status")


def alerts(play: Play) -> list[tuple[Any, ...]]:
    """What operators were asked to look at, and how often."""
    return rows(play, "alerts", "kind severity status seen", "kind")


def disputes(play: Play) -> list[tuple[Any, ...]]:
    """Who opened them, and who closed them how."""
    return rows(play, "disputes", "origin opened_by verdict closed_by", "opened_at")


def is_held_for_law(play: Play) -> bool:
    """Whether nothing in the conversation may be emptied."""
    return bool(rows(play, "legal_holds", "reason", "reason"))


def books(play: Play) -> dict[str, int]:
    """The sums on the conversation that are not zero, and what both sides read of them."""
    row = play.stored()
    found = {name: row[f"{name}_minor"] for name in ("captured", *ACCOUNTS)}
    for role in PARTIES:
        assert play.context(role)["escrow"] == {f"{key}_minor": n for key, n in found.items()}
    return {name: amount for name, amount in found.items() if amount}


def pay(play: Play, amount: int = AGREED, fact: str = "payment_captured") -> str:
    """Let the gateway tell of a payment; its id."""
    payment = f"pay_{uuid.uuid4().hex}"
    play.do("S", fact, payment_id=payment, amount_minor=amount, currency="INR")
    return payment


def paid(stage: Stage, cast: Cast, kind: str, fee: int = 0) -> tuple[Play, str]:
    """A deal that has just been paid, and by which payment; the fee is as if published."""
    stage.query(
        "update private.flow_definitions"
        " set rules = rules || jsonb_build_object('fee_basis_points', %s::integer)"
        " where kind = %s and status = 'published'",
        *(fee, kind),
    )
    play = open_play(stage, cast, kind, "payment_pending with an order")
    return play, pay(play)
