"""Books that are wrong cannot be written, whoever tries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg import sql

from tests.deals.books import ACCOUNTS, AGREED, paid
from tests.flow.deals import Cast, Play, open_play
from tests.flow.stages import Stage

WRONG_BOOKS = [
    ("books_balance", "held_minor = held_minor - 1"),
    ("books_balance", "held_minor = held_minor + 1"),
    ("books_balance", "captured_minor = captured_minor + 1"),
    ("books_balance", "released_minor = 1"),
    ("books_balance", "fee_minor = 1"),
    ("books_balance", "refunded_minor = 1"),
    ("books_balance", "charged_back_minor = 1"),
    # Balanced, but more given than there was.
    ("books_balance", "held_minor = -1, released_minor = captured_minor + 1"),
    ("closed_deal_holds_nothing", "flow_state = 'chat_closed'"),
    ("only_deals_have_books", "fee_minor = null"),
]


@pytest.mark.parametrize(("constraint", "change"), WRONG_BOOKS)
def test_no_one_can_write_books_that_are_wrong(
    stage: Stage, cast: Cast, constraint: str, change: str
) -> None:
    play, _ = paid(stage, cast, "bid")
    update = sql.SQL("update private.conversations set {} where id = %s").format(sql.SQL(change))
    with stage.refused("23514") as refusal, stage.rolled_back():
        stage.query(update.as_string(), play.id)
    assert constraint in refusal.message


def test_direct_chats_have_no_books(stage: Stage, cast: Cast) -> None:
    with stage.signed_in_as(cast.asha):
        talk = stage.call("direct_connect", target_user_id=cast.bharat)["conversation"]
    zeros = ", ".join(f"{name}_minor = 0" for name in ("captured", *ACCOUNTS))
    update = sql.SQL("update private.conversations set {} where id = %s").format(sql.SQL(zeros))
    with stage.refused("23514") as refusal, stage.rolled_back():
        stage.query(update.as_string(), talk["conversation_id"])
    assert "only_deals_have_books" in refusal.message


WRONG_ROWS = [
    # 23514: a check; 23505: there is one already.
    ("escrow_ledger", "23514", {"from_account": "held", "to_account": "gateway"}),
    ("escrow_ledger", "23514", {"from_account": "released", "to_account": "refunded"}),
    ("escrow_ledger", "23514", {"from_account": "gateway", "to_account": "released"}),
    ("escrow_ledger", "23514", {"amount_minor": 0}),
    ("escrow_ledger", "23514", {"amount_minor": -1}),
    ("refunds", "23514", {"amount_minor": 0}),
    ("refunds", "23514", {"kind": "gift"}),
    ("refunds", "23514", {"status": "processed"}),
    ("refunds", "23505", {}),
    ("refunds", "23505", {"kind": "bounce", "payment_id": "pay_bounced"}),
    ("payment_orders", "23514", {"amount_minor": 0}),
    ("payment_orders", "23514", {"status": "lost"}),
    ("payouts", "23514", {"amount_minor": 0}),
    ("disputes", "23514", {"verdict": "resolve_refund"}),
    ("disputes", "23514", {"origin": "neighbour"}),
    ("alerts", "23514", {"severity": "loud"}),
    ("ratings", "23514", {"rating": 6}),
    ("legal_holds", "23505", {}),
]


def good_rows(play: Play) -> dict[str, dict[str, Any]]:
    """By table, a row that may stand there."""
    deal = {"conversation_id": play.id}
    now = play.now().isoformat()
    return {
        "escrow_ledger": {
            **deal, "from_account": "held", "to_account": "fee", "amount_minor": 1, "version": 1,
            "created_at": now,
        },
        "refunds": {
            **deal, "payment_id": "pay_x", "amount_minor": 1, "kind": "deal", "reason": "x",
            "requested_at": now,
        },
        "payment_orders": {**deal, "amount_minor": 1, "status": "open"},
        "payouts": {
            **deal, "influencer_id": play.cast.asha, "amount_minor": 1, "created_at": now,
        },
        "disputes": {**deal, "origin": "party", "opened_at": now},
        "alerts": {**deal, "kind": "x", "severity": "info", "key": "x"},
        "ratings": {**deal, "rater_id": play.cast.asha, "rating": 5, "created_at": now},
        "legal_holds": {**deal, "reason": "dispute"},
    }  # fmt: skip


def insert(stage: Stage, table: str, row: dict[str, Any]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    query = sql.SQL(
        "insert into private.{table} ({columns})"
        " select {columns} from json_populate_record(null::private.{table}, %s)"
    ).format(table=sql.Identifier(table), columns=columns)
    stage.query(query.as_string(), json.dumps(row, default=str))


@pytest.mark.parametrize(("table", "code", "change"), WRONG_ROWS)
def test_no_one_can_write_rows_that_cannot_be(
    stage: Stage, cast: Cast, table: str, code: str, change: dict[str, Any]
) -> None:
    play, _ = paid(stage, cast, "bid")
    good = good_rows(play)[table]
    if code == "23505":
        insert(stage, table, {**good, **change})
    else:
        # It is the change that is refused.
        with stage.rolled_back():
            insert(stage, table, good)
    with stage.refused(code), stage.rolled_back():
        insert(stage, table, {**good, **change})


@pytest.mark.parametrize("table", ["payment_orders", "payouts", "disputes", "alerts"])
def test_there_is_one_at_a_time(stage: Stage, cast: Cast, table: str) -> None:
    play, _ = paid(stage, cast, "bid")
    good = good_rows(play)[table]
    insert(stage, table, good)
    with stage.refused("23505"), stage.rolled_back():
        insert(stage, table, good)


def test_a_payment_comes_in_once_whichever_deal_it_is_told_of(stage: Stage, cast: Cast) -> None:
    _, payment = paid(stage, cast, "bid")
    other = open_play(stage, cast, "campaign", "payment_pending with an order")
    given = {"payment_id": payment, "amount_minor": AGREED, "currency": "INR"}
    for fact in ("payment_captured", "payment_mismatch"):
        with stage.refused("GUARD_FAILED", 409, details={"guard": "is_new_payment"}):
            other.call("system", fact, given)
    for account in ("held", "bounced"):
        entry = good_rows(other)["escrow_ledger"] | {
            "from_account": "gateway", "to_account": account, "payment_id": payment,
        }  # fmt: skip
        with stage.refused("23505"), stage.rolled_back():
            insert(stage, "escrow_ledger", entry)


@pytest.mark.parametrize("table", ["private.escrow_ledger", "public.offers"])
@pytest.mark.parametrize(
    "change",
    ["update {} set amount_minor = amount_minor + 1", "delete from {}", "truncate {}"],
)
def test_what_is_booked_or_offered_stays(stage: Stage, cast: Cast, table: str, change: str) -> None:
    paid(stage, cast, "bid")
    name = sql.Identifier(*table.split("."))
    query = sql.SQL(change).format(name).as_string()
    count = sql.SQL("select count(*) from {}").format(name).as_string()
    before = stage.value(count)
    assert before > 0
    with stage.refused("23001"), stage.rolled_back():
        stage.query(query)
    assert stage.value(count) == before


@pytest.mark.parametrize(
    "table",
    ["escrow_ledger", "refunds", "payouts", "payment_orders", "alerts", "disputes", "ratings"],
)
def test_no_client_reads_the_books_themselves(stage: Stage, cast: Cast, table: str) -> None:
    query = sql.SQL("select 1 from private.{}").format(sql.Identifier(table)).as_string()
    for user in (cast.asha, cast.omkar):
        with stage.signed_in_as(user), stage.refused("42501"):
            stage.select(query)
    with stage.as_anon(), stage.refused("42501"):
        stage.select(query)


def test_the_ledger_of_all_deals_sums_up_to_their_books(stage: Stage, cast: Cast) -> None:
    steps = ["", "I:decline_work S:refund_processed", "I:start_work S:bank_dispute_opened"]
    for walk in steps:
        paid(stage, cast, "bid")[0].walk(walk)
    paid(stage, cast, "campaign", fee=1000)[0].walk("I:start_work I:submit_work B:approve_work")
    for account in ACCOUNTS:
        moved = sql.SQL(
            """
            select coalesce(sum(case when to_account = {0} then amount_minor else 0 end), 0)
              - coalesce(sum(case when from_account = {0} then amount_minor else 0 end), 0)
            from private.escrow_ledger
            """
        ).format(sql.Literal(account))
        kept = sql.SQL("select sum({}) from private.conversations").format(
            sql.Identifier(f"{account}_minor")
        )
        assert stage.value(moved.as_string()) == stage.value(kept.as_string()), account
