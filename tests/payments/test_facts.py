"""Facts only move forward: in whatever order they come, however often, the end is the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import permutations
from random import Random
from typing import Any

import pytest

from tests.flow.deals import Cast
from tests.flow.stages import Stage
from tests.payments.scenes import (
    AGREED,
    Scene,
    alerts,
    ledger,
    open_scene,
    refunded,
    requests,
)
from tests.support.crowds import OK, outcome
from tests.support.databases import Database
from tests.support.payments import Json, dispute_entity, payment_entity, refund_entity

LENGTH = 18
# How a party's press may end, wherever the deal is.
MAY_END = {
    OK,
    "CHAT_CLOSED",
    "FLOW_STATE_INVALID",
    "GUARD_FAILED",
    "NOT_YOUR_TURN",
    "PAYMENT_ALREADY_DONE",
}
FAILED, AUTHORIZED, CAPTURED, PAID = "failed", "authorized", "captured", "paid"
KINDS_OF_PAYMENT = (FAILED, AUTHORIZED, CAPTURED, PAID)
BALANCED = """
select coalesce(sum(case e.to_account when %(account)s then e.amount_minor else 0 end)
  - sum(case e.from_account when %(account)s then e.amount_minor else 0 end), 0)
from private.escrow_ledger as e
"""
# Money that came in, was not given back, stands in no book, and of which no operator was told.
LOST = """
select p.payment_id from private.payments as p
where p.captured_at is not null and p.refunded_minor < p.amount_minor
  and not exists (select from private.escrow_ledger as e
    where e.from_account = 'gateway' and e.payment_id = p.payment_id)
  and not exists (select from private.alerts as a where a.razorpay_payment_id = p.payment_id)
"""


def tell_payment(scene: Scene, kind: str, payment: Json) -> Json:
    """One of the events about a payment."""
    if kind == PAID:
        return scene.tell("order.paid", payment=payment, order=scene.paid_order())
    return scene.tell(f"payment.{kind}", payment={**payment, "status": kind})


def ends(scene: Scene) -> Any:
    """Everything that must not depend on the order of the news."""
    return {
        "state": scene.state(),
        "books": scene.books(),
        "ledger": ledger(scene.db),
        "requests": requests(scene.db),
        "orders": scene.rows("payment_orders", "amount_minor status", "amount_minor, status"),
        "payments": scene.rows(
            "payments", "payment_id status refunded_minor fee_minor", "payment_id"
        ),
        "refunds": scene.rows("payment_refunds", "refund_id status", "refund_id"),
    }


@pytest.fixture
def shared(stage: Stage, cast: Cast) -> Scene:
    """A deal that waits for its payment, in a transaction that is rolled back."""
    return open_scene(stage, cast)


def in_each_order(
    stage: Stage, scene: Scene, news: tuple[str, ...], tell: Callable[[str], Json]
) -> list[Any]:
    """How it ends for each order of the news."""
    found = []
    for order in permutations(news):
        with stage.rolled_back():
            for kind in order:
                assert tell(kind)["status"] != "received", order
            found.append(ends(scene))
    return found


def test_a_payment_ends_the_same_in_all_24_orders(stage: Stage, shared: Scene) -> None:
    payment = payment_entity(shared.order)
    found = in_each_order(
        stage, shared, KINDS_OF_PAYMENT, lambda kind: tell_payment(shared, kind, payment)
    )
    assert len(found) == 24
    assert all(end == found[0] for end in found)
    assert found[0]["state"] == "payment_completed"
    assert found[0]["books"] == {"captured": AGREED, "held": AGREED}
    assert found[0]["payments"] == [(payment["id"], "captured", 0, 11_800)]


def test_a_refund_that_we_asked_for_ends_the_same_in_all_orders(
    stage: Stage, shared: Scene
) -> None:
    payment = shared.pay()
    with stage.signed_in_as(shared.people.asha):
        stage.call("take_action", conversation_id=shared.id, action="decline_work")
    (request,) = shared.rows("refunds", "id", "id")
    refund = refund_entity(payment, receipt=str(request[0]))

    def tell(kind: str) -> Json:
        told = {**refund, "status": kind}
        return shared.tell(f"refund.{kind}", refund=told, payment=refunded(payment))

    found = in_each_order(stage, shared, ("created", "processed"), tell)
    assert all(end == found[0] for end in found)
    assert found[0]["state"] == "chat_closed"
    assert found[0]["books"] == {"captured": AGREED, "refunded": AGREED}


@pytest.mark.parametrize("last", ["processed", "failed"])
def test_a_refund_by_hand_ends_the_same_in_all_orders(
    stage: Stage, shared: Scene, last: str
) -> None:
    payment = shared.pay()
    refund = refund_entity(payment)
    news = ("created", "processed", "failed") if last == "failed" else ("created", "processed")

    def tell(kind: str) -> Json:
        told = {**refund, "status": kind}
        shown = payment if kind == "failed" else refunded(payment)
        return shared.tell(f"refund.{kind}", refund=told, payment=shown)

    found = [
        {key: value for key, value in end.items() if key != "payments"}
        for end in in_each_order(stage, shared, news, tell)
    ]
    assert all(end == found[0] for end in found)
    assert found[0]["refunds"] == [(refund["id"], last)]
    # Nobody but a person moves a deal for a refund that it did not ask for.
    assert found[0]["state"] == "payment_completed"


def test_a_payment_and_its_refund_end_without_a_deal_in_whatever_order(
    stage: Stage, shared: Scene
) -> None:
    payment = payment_entity(shared.order)
    refund = refund_entity(payment)

    def tell(kind: str) -> Json:
        if kind == "refund":
            return shared.tell("refund.processed", refund=refund, payment=refunded(payment))
        return tell_payment(shared, kind, payment)

    # The refund first: nothing came in that a deal could hold.
    for order in permutations((AUTHORIZED, CAPTURED, PAID)):
        with stage.rolled_back():
            assert tell("refund")["outcome"] == "refunded_before_completion"
            for kind in order:
                assert tell(kind)["outcome"] == "noop"
            assert (shared.state(), shared.books()) == ("payment_pending", {})
            assert ledger(stage) == []


@pytest.mark.parametrize("end", ["lost", "won", "closed"])
def test_a_dispute_ends_the_same_in_all_orders(stage: Stage, shared: Scene, end: str) -> None:
    payment = shared.pay()
    dispute = dispute_entity(payment)
    words = {"created": "open", "under_review": "under_review", end: end}

    def tell(kind: str) -> Json:
        return shared.tell(
            f"payment.dispute.{kind}", payment=payment, dispute={**dispute, "status": words[kind]}
        )

    found = []
    for order in permutations(words):
        with stage.rolled_back():
            for kind in order:
                assert tell(kind)["outcome"] == "dispute_recorded"
            (row,) = shared.rows("payment_disputes", "status", "dispute_id")
            assert row == (end,)
            found.append((shared.state(), shared.books()))
            assert shared.steps("bank_dispute_opened") <= 1
    if end == "lost":
        gone = {"captured": AGREED, "charged_back": AGREED}
        assert set(map(str, found)) == {str(("chat_closed", gone))}
    else:
        # What was over before it was heard of stops no deal.
        assert {state for state, _ in found} <= {"disputed", "payment_completed"}
        assert {str(books) for _, books in found} == {str({"captured": AGREED, "held": AGREED})}


# Any sequence at all

STEPS = (
    *(("payment", number, kind) for number in (0, 1) for kind in KINDS_OF_PAYMENT),
    *(("payment", number, CAPTURED) for number in (2, 3, 4)),
    *(("by hand", number, status) for number in (0, 1) for status in ("created", "processed")),
    *(("by hand", number, "failed") for number in (0, 1)),
    *(("answered", which, status) for which in (0, 1) for status in ("processed", "failed")),
    *(("dispute", 0, status) for status in ("created", "won", "lost")),
    *(("press", 0, action) for action in ("end_conversation", "decline_work", "start_work")),
    ("snapshot", 0, ""),
    ("begin", 0, ""),
)


class Story:
    """A deal of which a realistic set of news comes, in any order."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        order = scene.order
        self.payments = [
            payment_entity(order),
            payment_entity(order),
            payment_entity(order, amount=AGREED - 100),
            payment_entity(order, amount=AGREED + 5),
            payment_entity(order, currency="USD"),
        ]
        self.refunds = [refund_entity(payment) for payment in self.payments]
        self.dispute = dispute_entity(self.payments[0])

    def take(self, step: tuple[str, int, str]) -> str | None:
        """Take a step; what it came to, where it came to something."""
        kind, number, word = step
        if kind == "press":
            who = "bharat" if word == "end_conversation" else "asha"
            self._try(who, "take_action", action=word)
            return None
        if kind == "begin":
            self._try("bharat", "begin_payment")
            return None
        told = getattr(self, f"_tell_{kind.replace(' ', '_')}")(number, word)
        return told and str(told["outcome"])

    def _tell_payment(self, number: int, word: str) -> Json:
        return tell_payment(self.scene, word, self.payments[number])

    def _tell_by_hand(self, number: int, word: str) -> Json:
        payment = self.payments[number]
        shown = payment if word == "failed" else refunded(payment)
        refund = {**self.refunds[number], "status": word}
        return self.scene.tell(f"refund.{word}", refund=refund, payment=shown)

    def _tell_answered(self, number: int, word: str) -> Json | None:
        asked = self.scene.db.query(
            "select id::text, payment_id, amount_minor, currency from private.refunds"
            " where status = 'requested' order by requested_at, id offset %s limit 1",
            number,
        )
        if not asked:
            return None
        request = asked[0]
        payment = next(p for p in self.payments if p["id"] == request["payment_id"])
        refund = refund_entity(
            payment, amount=request["amount_minor"], receipt=request["id"], status=word
        )
        return self.scene.tell(f"refund.{word}", refund=refund, payment=payment)

    def _tell_dispute(self, number: int, word: str) -> Json:
        status = "open" if word == "created" else word
        return self.scene.tell(
            f"payment.dispute.{word}",
            payment=self.payments[0],
            dispute={**self.dispute, "status": status},
        )

    def _tell_snapshot(self, number: int, word: str) -> Json:
        with self.scene.db.as_service():
            answer: Json = self.scene.db.call(
                "apply_payment_snapshot",
                payment_order_id=self.scene.order.payment_order_id,
                order_entity=self.scene.paid_order(),
                payments=self.payments[:2],
            )
        return answer

    def _try(self, who: str, function: str, **given: Any) -> None:
        def call() -> None:
            with self.scene.db.signed_in_as(getattr(self.scene.people, who)):
                self.scene.db.call(function, conversation_id=self.scene.id, **given)

        assert outcome(call) in MAY_END

    def check(self) -> None:
        """What must be so at any moment."""
        db = self.scene.db
        row = self.scene.play.stored()
        out = ("released", "fee", "refunded", "charged_back")
        assert row["held_minor"] == row["captured_minor"] - sum(row[f"{n}_minor"] for n in out)
        assert row["held_minor"] >= 0
        held = db.value(BALANCED, {"account": "held"})
        assert held == row["held_minor"]
        entries = self.scene.rows("escrow_ledger", "from_account to_account payment_id", "id")
        came_in = [payment for start, _, payment in entries if start == "gateway"]
        assert len(came_in) == len(set(came_in)), "one payment came in twice"
        assert sum(end == "held" for _, end, _ in entries) <= 1
        bounces = [amount for kind, amount, status in requests(db) if (kind, status)
                   == ("bounce", "requested")]  # fmt: skip
        assert db.value(BALANCED, {"account": "bounced"}) == sum(bounces)
        assert db.query(LOST) == []
        assert self.scene.steps("payment_captured") >= sum(end == "held" for _, end, _ in entries)
        if row["chat_status"] == "closed":
            assert row["held_minor"] == 0
        assert all(status != "received" for (status,) in
                   self.scene.rows("payment_events", "status", "id"))  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_no_sequence_of_news_breaks_the_books(stage: Stage, shared: Scene, seed: int) -> None:
    story = Story(shared)
    for step in Random(seed).choices(STEPS, k=LENGTH):  # noqa: S311
        came_to = story.take(step)
        assert came_to not in ("try_again", "processing_failed", "malformed"), step
        story.check()
    assert all(severity != "info" for severity, _, _ in alerts(stage))


def test_the_statuses_of_a_payment_are_written_alike_in_every_place(db: Database) -> None:
    bodies = db.query(
        "select prosrc as body from pg_proc"
        " where proname in ('read_payment', 'merge_payment', 'apply_event')"
        " union all select pg_get_constraintdef(c.oid) from pg_constraint as c"
        " where c.contypid = 'private.payment_status'::regtype"
    )
    lists = [re.findall(r"'created'.*?'refunded'", row["body"]) for row in bodies]
    places = [re.findall(r"'(\w+)'", place) for (place,) in lists]
    assert places == [["created", "failed", "authorized", "captured", "refunded"]] * 4
