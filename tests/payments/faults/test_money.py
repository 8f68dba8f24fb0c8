"""Money that does not fit goes back by itself, through the gateway, and operators know."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.dev.local_supabase import postgres
from tests.flow.deals import Play
from tests.payments.faults.world import PATIENCE, World
from tests.payments.scenes import AGREED

# What a deal has in its books while no money is held for it.
EMPTY = {"captured_minor": 0, "held_minor": 0, "refunded_minor": 0}


def books(world: World, play: Play) -> dict[str, Any]:
    """The deal's sums as the brand owner reads them."""
    (row,) = world.db.query(
        "select captured_minor, held_minor, refunded_minor from private.conversations"
        " where id = %s",
        play.id,
    )
    return row


def assert_went_back(
    world: World, play: Play, payment_id: str, outcome: str, severity: str, amount: int
) -> None:
    """The payment is parked, on the operators' list, and on its way back to the payer."""
    stored = world.db.query(
        "select status, outcome from private.payment_events where razorpay_payment_id = %s"
        " and event_type like '%%.captured'",
        payment_id,
    )
    assert [tuple(row.values()) for row in stored] == [("parked", outcome)]
    (alert,) = (row for row in world.alert_rows() if row["kind"] == outcome)
    assert (alert["severity"], alert["conversation_id"]) == (severity, play.id)
    assert alert["razorpay_payment_id"] == payment_id
    assert alert["details"]["amount_minor"] == amount

    def is_back() -> bool:
        rows = world.db.query(
            "select amount_minor, status from private.refunds where payment_id = %s", payment_id
        )
        return [tuple(row.values()) for row in rows] == [(amount, "processed")]

    postgres.wait_until(is_back, PATIENCE, f"{payment_id} did not go back")
    # Razorpay tells of its own refund, which is known by then.
    world.arrives(payment_id)
    assert world.alerts() == [(severity, outcome)]
    left = world.db.value(
        "select coalesce(sum(case when to_account = 'bounced' then amount_minor"
        " when from_account = 'bounced' then -amount_minor end), 0)"
        " from private.escrow_ledger where conversation_id = %s",
        play.id,
    )
    assert left == 0
    assert world.count("parley_ledger_balance_minor") == 0


@pytest.mark.parametrize(
    ("wish", "outcome", "severity", "amount"),
    [
        ({"order_amount": 600_000}, "amount_mismatch", "critical", 600_000),
        ({"currency": "USD"}, "currency_mismatch", "critical", AGREED),
        ({"amount": 100_000}, "underpaid", "warning", 100_000),
    ],
    ids=["another amount", "another currency", "a part"],
)
def test_a_payment_that_is_not_what_was_asked_for_goes_back_and_the_deal_waits_for_another(
    world: World, wish: dict[str, Any], outcome: str, severity: str, amount: int
) -> None:
    play = world.play()
    order_id = world.checkout(play)
    world.sandbox.switches(payments=wish)
    payment_id = world.pay(order_id)
    world.sandbox.reset_switches()
    assert_went_back(world, play, payment_id, outcome, severity, amount)
    assert world.state(play) == "payment_pending"
    assert books(world, play) == EMPTY
    again = world.checkout(play)
    assert again != order_id
    world.pay(again)
    world.assert_paid_once(play)


def test_a_fee_that_the_payer_bears_comes_on_top_and_is_kept(world: World) -> None:
    play = world.play()
    order_id = world.checkout(play)
    world.sandbox.switches(payments={"fee_on_top": True})
    payment_id = world.pay(order_id)
    world.assert_paid_once(play)
    (row,) = world.db.query(
        "select amount_minor - fee_minor as price, fee_minor from private.payments"
        " where payment_id = %s",
        payment_id,
    )
    assert row["price"] == AGREED
    assert row["fee_minor"] > 0
    assert world.alerts() == []


def test_an_order_for_the_price_of_before_goes_back_and_the_new_one_is_to_be_paid(
    world: World,
) -> None:
    play = world.play()
    old = world.checkout(play)
    # The price changes while the checkout is open.
    world.db.query("update private.conversations set amount_minor = 600000 where id = %s", play.id)
    new = world.checkout(play)
    assert new != old
    payment_id = world.pay(old)
    assert_went_back(world, play, payment_id, "superseded_order", "critical", AGREED)
    assert world.state(play) == "payment_pending"
    orders = world.db.query(
        "select razorpay_order_id, amount_minor, status from private.payment_orders"
        " order by created_at"
    )
    assert [tuple(row.values()) for row in orders] == [
        (old, AGREED, "superseded"),
        (new, 600_000, "open"),
    ]
    assert world.checkout(play) == new
    world.pay(new)
    world.assert_paid_once(play, 600_000)


def test_a_second_payment_of_an_order_goes_back_and_the_first_one_counts(world: World) -> None:
    play = world.play()
    order_id = world.checkout(play)
    world.pay(order_id)
    world.sandbox.switches(payments={"second_payment": True})
    second = world.pay(order_id)
    assert_went_back(world, play, second, "double_payment", "critical", AGREED)
    world.assert_paid_once(play)


def test_money_for_a_deal_that_has_ended_goes_back(world: World) -> None:
    play = world.play()
    order_id = world.checkout(play)
    play.walk("B:end_conversation")
    payment_id = world.pay(order_id)
    assert_went_back(world, play, payment_id, "captured_after_closed", "critical", AGREED)
    assert world.state(play) == "chat_closed"
    assert books(world, play) == EMPTY


def test_money_that_the_flow_has_no_row_for_waits_for_a_person(world: World) -> None:
    play = world.play()
    order_id = world.checkout(play)
    world.db.query(
        "update private.conversations set flow_state = 'influencer_final_response',"
        " awaiting_role = 'influencer' where id = %s",
        play.id,
    )
    payment_id = world.pay(order_id)
    assert world.events().count(("parked", "captured_out_of_flow")) == 2
    (alert,) = world.alert_rows()
    assert (alert["severity"], alert["kind"]) == ("critical", "captured_out_of_flow")
    assert alert["razorpay_payment_id"] == payment_id
    assert world.state(play) == "influencer_final_response"
    audit = world.db.query("select distinct action from private.payment_audit")
    assert [row["action"] for row in audit] == ["captured_out_of_flow"]
    # Once a person has brought the deal where it waits for the money, the event goes on.
    world.db.query(
        "update private.conversations set flow_state = 'payment_pending',"
        " awaiting_role = 'brand_owner' where id = %s",
        play.id,
    )
    path = f"/v1/ops/events/{alert['event_row_id']}/replay"
    replayed = world.ask(world.people.omkar, path)
    assert (replayed.status_code, replayed.json()["outcome"]) == (200, "applied")
    world.assert_paid_once(play)
