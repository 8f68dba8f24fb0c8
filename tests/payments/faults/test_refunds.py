"""Refunds and disputes: written into the books, and moving no deal that did not ask for them."""

from __future__ import annotations

import pytest

from tests.flow.deals import Play
from tests.payments.faults.world import PAYMENT_ID, World
from tests.payments.scenes import refunded
from tests.support.payments import event_body, payment_entity, refund_entity

DISPUTE_EVENTS = ("created", "under_review", "action_required", "won", "lost", "closed")


def paid(world: World) -> tuple[Play, str]:
    """A deal that was paid through checkout; its payment."""
    play = world.play()
    payment_id = world.pay(world.checkout(play))
    world.assert_paid_once(play)
    return play, payment_id


def act(world: World, play: Play, who: str, function: str, **given: object) -> None:
    """Somebody acts on a deal over REST."""
    token = world.tokens[getattr(world.people, who)]
    if function in ("submit_work", "review_work"):
        world.rpc(function, token, conversation_id=play.id, **given)
    else:
        world.rpc("take_action", token, conversation_id=play.id, action=function, input=given)


def refund_rows(world: World) -> list[tuple[str, int]]:
    """What Razorpay has given back, as it stands in the books."""
    rows = world.db.query("select status, amount_minor from private.payment_refunds")
    return [tuple(row.values()) for row in rows]


def test_a_refund_that_overtakes_its_payment_leaves_the_deal_to_be_paid_anew(
    world: World,
) -> None:
    play = world.play()
    order_id = world.checkout(play)
    world.sandbox.switches(webhooks={"hold": True})
    payment_id = world.sandbox.pay(order_id)["razorpay_payment_id"]
    world.sandbox.refund(payment_id)
    world.sandbox.release("reversed")
    world.arrives(payment_id)
    world.sandbox.reset_switches()
    assert ("processed", "refunded_before_completion") in world.events()
    assert ("processed", "applied") not in world.events()
    assert world.alerts() == [("warning", "refunded_before_completion")]
    assert world.state(play) == "payment_pending"
    again = world.checkout(play)
    assert again != order_id
    world.pay(again)
    world.assert_paid_once(play)


def test_a_refund_that_nobody_asked_for_is_booked_and_moves_nothing(world: World) -> None:
    play, payment_id = paid(world)
    act(world, play, "asha", "start_work")
    act(world, play, "asha", "submit_work", deliverables="https://drive.example/posts")
    act(world, play, "bharat", "review_work", decision="approve_work", feedback="Excellent!")
    assert world.state(play) == "real_time"
    refund = world.sandbox.refund(payment_id)
    world.arrives(refund["id"])
    assert world.alerts() == [("critical", "refund_recorded")]
    (alert,) = world.alert_rows()
    assert alert["details"]["amount_minor"] == 500_000
    assert refund_rows(world) == [("processed", 500_000)]
    assert world.state(play) == "real_time"
    assert world.context(play)["escrow"]["released_minor"] == 500_000
    actions = world.db.query("select action from private.payment_audit order by id")
    assert [row["action"] for row in actions][-1] == "refund_recorded"


def test_that_a_refund_was_made_is_old_news_once_it_has_arrived(world: World) -> None:
    scene = world.scene()
    assert world.tell_sample("order.paid.card") == "applied"
    assert world.tell_sample("refund.processed") == "refund_recorded"
    before = world.context(scene) | {"server_now": None}
    assert world.tell_sample("refund.created") == "noop"
    assert refund_rows(world) == [("processed", 500_000)]
    assert world.context(scene) | {"server_now": None} == before
    assert world.alerts() == [("critical", "refund_recorded")]


def test_a_refund_that_fails_is_taken_out_of_the_sum_and_operators_know(world: World) -> None:
    scene = world.scene()
    assert world.tell_sample("order.paid.card") == "applied"
    assert world.tell_sample("refund.created") == "refund_recorded"
    assert world.tell_sample("refund.failed") == "refund_failed"
    assert ("critical", "refund_failed") in world.alerts()
    assert refund_rows(world) == [("failed", 500_000)]
    (row,) = scene.rows("payments", "payment_id refunded_minor", "payment_id")
    assert row == (PAYMENT_ID, 0)
    assert world.state(scene) == "payment_completed"


def test_an_authorization_that_is_given_back_is_no_payment(world: World) -> None:
    scene = world.scene()
    payment = payment_entity(scene.order, status="refunded", captured=False)
    payment |= {"amount_refunded": payment["amount"], "refund_status": "full"}
    body = event_body("refund.processed", refund=refund_entity(payment), payment=payment)
    assert world.tell(body) == "uncaptured_refund"
    assert world.alerts() == [("warning", "uncaptured_refund")]
    assert scene.rows("payments", "captured_at", "payment_id") == [(None,)]
    assert world.state(scene) == "payment_pending"
    assert scene.books() == {}
    assert refunded(payment)["refund_status"] == "full"


@pytest.mark.parametrize("event", DISPUTE_EVENTS)
def test_each_news_of_a_banks_dispute_is_booked_and_on_the_list_with_its_deadline(
    world: World, event: str
) -> None:
    play, payment_id = paid(world)
    if event != "created":
        world.arrives(world.sandbox.dispute(payment_id, "created")["id"])
    dispute = world.sandbox.dispute(payment_id, event)
    world.arrives(dispute["id"])
    stored = world.db.query(
        "select status, outcome from private.payment_events where event_type = %s",
        f"payment.dispute.{event}",
    )
    assert [tuple(row.values()) for row in stored] == [("processed", "dispute_recorded")]
    (row,) = world.db.query("select dispute_id, status, respond_by from private.payment_disputes")
    assert row["dispute_id"] == dispute["id"]
    (alert,) = world.alert_rows()
    assert (alert["severity"], alert["kind"]) == ("critical", "dispute_recorded")
    assert alert["details"]["respond_by"]
    assert alert["conversation_id"] == play.id
    # Money that is held stays where it is until the bank has taken it.
    held, charged_back = world.db.query(
        "select held_minor, charged_back_minor from private.conversations where id = %s", play.id
    )[0].values()
    assert (held, charged_back) == ((0, 500_000) if event == "lost" else (500_000, 0))
    assert world.state(play) == ("chat_closed" if event == "lost" else "disputed")
    assert world.count("parley_ledger_balance_minor") == 0


@pytest.mark.parametrize("name", ["created", "under_review", "won", "lost", "closed"])
def test_each_published_dispute_about_money_that_was_paid_out_only_calls_a_person(
    world: World, name: str
) -> None:
    scene = world.scene()
    assert world.tell_sample("order.paid.card") == "applied"
    act(world, scene.play, "asha", "start_work")
    act(world, scene.play, "asha", "submit_work", deliverables="https://drive.example/posts")
    act(world, scene.play, "bharat", "review_work", decision="approve_work", feedback="Fine")
    before = world.context(scene) | {"server_now": None}
    assert world.tell_sample(f"payment.dispute.{name}") == "dispute_recorded"
    assert world.context(scene)["flow_state"] == before["flow_state"] == "real_time"
    assert ("critical", "dispute_recorded") in world.alerts()
