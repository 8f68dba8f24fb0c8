"""Facts that arrive late, early, or in another order than they happened."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.payments.faults.world import PAYMENT_ID, World
from tests.support.payments import event_body, made_up_id, payment_entity

FACTS = ("failed", "authorized", "captured", "paid")


def test_a_failure_that_comes_after_the_capture_is_old_news(world: World) -> None:
    scene = world.scene()
    assert world.tell_sample("payment.captured.upi") == "applied"
    assert world.tell_sample("payment.failed.upi") == "noop"
    assert world.events() == [("processed", "applied"), ("processed", "noop")]
    assert scene.rows("payments", "payment_id status", "payment_id") == [(PAYMENT_ID, "captured")]
    world.assert_paid_once(scene)
    assert world.alerts() == []


def test_a_payment_that_failed_may_be_authorized_and_captured_days_later(world: World) -> None:
    scene = world.scene()
    assert world.tell_sample("payment.failed.card") == "noop"
    assert world.state(scene) == "payment_pending"
    assert world.tell_sample("payment.authorized.card") == "noop"
    assert world.state(scene) == "payment_pending"
    assert world.tell_sample("payment.captured.card") == "applied"
    world.assert_paid_once(scene)
    assert world.alerts() == []


@pytest.mark.parametrize("method", ["card", "netbanking", "wallet"])
def test_an_authorized_payment_is_not_money_yet_whatever_it_says(world: World, method: str) -> None:
    scene = world.scene()
    assert world.tell_sample(f"payment.authorized.{method}") == "noop"
    assert scene.rows("payments", "status captured_at", "payment_id") == [("authorized", None)]
    assert world.state(scene) == "payment_pending"
    assert scene.books() == {}
    assert world.alerts() == []


def test_the_order_of_arrival_does_not_matter(world: World, is_long: bool) -> None:
    ends = set()
    # The short form begins with each of the facts; the database is tested in all orders.
    for order in list(permutations(FACTS))[:: 1 if is_long else 6]:
        scene = world.scene("")
        payment = payment_entity(scene.order, made_up_id("pay"))
        bodies = {
            fact: event_body(f"payment.{fact}", payment=payment | {"status": fact})
            for fact in FACTS[:3]
        }
        bodies["paid"] = event_body("order.paid", payment=payment, order=scene.paid_order())
        outcomes = [world.tell(bodies[fact]) for fact in order]
        assert sorted(outcomes) == ["applied", "noop", "noop", "noop"], order
        world.assert_paid_once(scene)
        (stored,) = world.db.query(
            "select status, amount_minor, refunded_minor from private.payments"
            " where payment_id = %s",
            payment["id"],
        )
        ends.add(tuple(stored.values()))
    assert ends == {("captured", 500_000, 0)}
    assert world.alerts() == []
