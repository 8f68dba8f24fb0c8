"""Refunds and disputes that Razorpay tells of: asked for by us, by hand, by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.deals import Cast
from tests.payments.scenes import (
    AGREED,
    Scene,
    alerts,
    audit,
    fixture,
    ledger,
    open_refund,
    open_scene,
    refund_event,
    refunded,
    requests,
    rows,
)
from tests.support.databases import Database
from tests.support.payments import (
    Json,
    dispute_entity,
    payment_entity,
    refund_entity,
    take_event,
)


def outcome(scene: Scene, status: str, payment: Json, refund_id: str = "", **changes: Any) -> Any:
    """What an event about a refund comes to."""
    return refund_event(scene, status, payment, refund_id, **changes)[1]["outcome"]


def record(db: Database, request: str, entity: Json) -> Any:
    with db.as_service():
        return db.call("record_refund_result", refund_id=request, entity=entity)["outcome"]


# Refunds that we asked for


def test_an_event_may_come_before_razorpays_own_answer(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    refund, answer = refund_event(scene, "processed", payment, receipt=request)
    assert (answer["outcome"], answer["status"]) == ("refund_processed", "processed")
    assert (scene.state(), scene.books()) == (
        "chat_closed",
        {"captured": AGREED, "refunded": AGREED},
    )
    assert record(db, request, {**refund, "status": "pending"}) == "noop"
    assert (alerts(db), audit(db)[-1]) == ([], ("webhook", "refund_processed"))


def test_an_event_may_come_after_razorpays_own_answer(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    refund = refund_entity(payment, receipt=request, status="pending")
    assert record(db, request, refund) == "refund_pending"
    assert outcome(scene, "created", payment, refund["id"], receipt=request) == "noop"
    assert outcome(scene, "processed", payment, refund["id"], receipt=None) == "refund_processed"
    assert [str(row[0]) for row in rows(db, "payment_refunds", "request_id", "refund_id")] == [
        request
    ]
    assert requests(db) == [("deal", AGREED, "processed")]


def test_by_hand_for_just_what_is_asked_for_is_that(db: Database, people: Cast) -> None:
    scene, payment, _ = open_refund(db, people)
    assert outcome(scene, "processed", payment) == "refund_processed"
    assert scene.state() == "chat_closed"
    assert alerts(db) == []


def test_by_hand_for_another_amount_is_nobodys(db: Database, people: Cast) -> None:
    scene, payment, _ = open_refund(db, people)
    refund, answer = refund_event(scene, "processed", payment, amount=1000)
    assert answer["outcome"] == "refund_recorded"
    assert alerts(db) == [("critical", f"refund_recorded:{refund['id']}", 1)]
    assert requests(db) == [("deal", AGREED, "requested")]


def test_by_hand_while_ours_is_on_its_way_is_nobodys(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    first = refund_entity(payment, receipt=request, status="pending")
    record(db, request, first)
    assert outcome(scene, "processed", payment) == "refund_recorded"
    assert scene.state() == "refund_pending"
    assert outcome(scene, "processed", payment, first["id"], receipt=request) == "refund_processed"


def test_our_refund_with_another_amount_is_told(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    refund, answer = refund_event(scene, "processed", payment, receipt=request, amount=1000)
    assert answer["outcome"] == "refund_mismatch"
    assert alerts(db) == [("critical", f"refund_mismatch:{refund['id']}", 1)]
    assert scene.state() == "refund_pending"


def test_sent_and_also_done_by_hand_is_told(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    refund = refund_entity(payment, receipt=request, status="pending")
    assert record(db, request, refund) == "refund_pending"
    with db.signed_in_as(people.omkar):
        db.call("mark_refunded_manually", conversation_id=scene.id, reference="UTR 1")
    assert scene.state() == "chat_closed"
    # The money went back twice.
    assert outcome(scene, "processed", payment, refund["id"], receipt=request) == "refund_recorded"
    assert alerts(db)[-1] == ("critical", f"refund_recorded:{refund['id']}", 1)
    assert ledger(db)[1:] == [("held", "refunded", AGREED)]


def test_a_refund_that_fails_after_all_is_told(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    refund, _ = refund_event(scene, "processed", payment, receipt=request)
    answer = refund_event(scene, "failed", payment, refund["id"], receipt=request)[1]
    assert answer["outcome"] == "refund_failed"
    assert alerts(db) == [("critical", f"refund_failed:{refund['id']}", 1)]
    assert rows(db, "payments", "refunded_minor", "payment_id") == [(0,)]
    assert requests(db) == [("deal", AGREED, "processed")]


def test_failed_before_created_is_failed(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    refund, answer = refund_event(scene, "failed", payment, receipt=request)
    assert answer["outcome"] == "refund_failed"
    assert outcome(scene, "created", payment, refund["id"], receipt=request) == "noop"
    assert outcome(scene, "processed", payment, refund["id"], receipt=request) == "noop"
    assert rows(db, "payment_refunds", "status", "refund_id") == [("failed",)]
    assert (scene.steps("refund_failed"), scene.state()) == (1, "refund_pending")


# Refunds that nobody asked for


@pytest.mark.parametrize("work", ["", "I:start_work", "I:start_work I:submit_work B:approve_work"])
def test_a_refund_nobody_asked_for_moves_no_deal(db: Database, people: Cast, work: str) -> None:
    scene = open_scene(db, people)
    payment = scene.pay()
    for step in work.split():
        role = {"I": "influencer", "B": "brand_owner"}[step[0]]
        scene.play.call(role, step[2:], scene.play.usual(step[2:]))
    before = (scene.state(), scene.books(), ledger(db))
    refund, answer = refund_event(scene, "processed", payment, amount=1000)
    assert (answer["outcome"], answer["status"]) == ("refund_recorded", "processed")
    assert alerts(db) == [("critical", f"refund_recorded:{refund['id']}", 1)]
    assert audit(db)[-1] == ("webhook", "refund_recorded")
    assert (scene.state(), scene.books(), ledger(db)) == before
    assert rows(db, "payments", "refunded_minor", "payment_id") == [(1000,)]


def test_published_samples_of_a_refund_by_hand(scene: Scene) -> None:
    take_event(scene.db, fixture("payment.captured.card"))
    for name, count in (("refund.created", 1), ("refund.processed", 2)):
        assert take_event(scene.db, fixture(name))["outcome"] == "refund_recorded"
        assert alerts(scene.db)[0][2] == count
    assert take_event(scene.db, fixture("refund.failed"))["outcome"] == "refund_failed"
    assert rows(scene.db, "payments", "refunded_minor", "payment_id") == [(0,)]


def test_a_refund_that_overtook_its_payment_leaves_nothing_to_hold(scene: Scene) -> None:
    answer = take_event(scene.db, fixture("refund.processed"))
    assert (answer["outcome"], answer["status"]) == ("refunded_before_completion", "processed")
    payment = "pay_CnvPay0000001A"
    assert alerts(scene.db)[0][:2] == ("warning", f"refunded_before_completion:{payment}")
    assert take_event(scene.db, fixture("order.paid.card"))["outcome"] == "noop"
    assert (scene.state(), ledger(scene.db)) == ("payment_pending", [])
    # The order is used up: Pay makes a new one.
    with scene.db.signed_in_as(scene.people.bharat):
        renewed = scene.db.call("begin_payment", conversation_id=scene.id)
    assert renewed["payment_order_id"] != scene.order.payment_order_id


def test_an_authorization_that_is_given_back_never_was_money(scene: Scene) -> None:
    payment = payment_entity(scene.order, status="refunded", captured=False, amount_refunded=AGREED)
    refund = refund_entity(payment)
    answer = scene.tell("refund.processed", refund=refund, payment=payment)
    assert (answer["outcome"], answer["status"]) == ("uncaptured_refund", "processed")
    assert alerts(scene.db) == [("warning", f"uncaptured_refund:{refund['id']}", 1)]
    assert rows(scene.db, "payments", "status captured_at", "payment_id") == [("refunded", None)]
    assert (scene.state(), ledger(scene.db)) == ("payment_pending", [])


def test_a_part_that_went_back_before_leaves_too_little(scene: Scene) -> None:
    payment = refunded(payment_entity(scene.order), 1000)
    answer = scene.tell("payment.captured", payment=payment)
    assert answer["outcome"] == "underpaid"
    assert ledger(scene.db) == [("gateway", "bounced", AGREED - 1000)]


def test_a_payment_that_names_no_order_is_known_by_itself(scene: Scene) -> None:
    payment = scene.pay()
    nameless = {**refunded(payment, 1000), "order_id": None}
    refund = refund_entity(payment, amount=1000)
    answer = scene.tell("refund.processed", refund=refund, payment=nameless)
    assert (answer["outcome"], answer["conversation_id"]) == ("refund_recorded", scene.id)
    unknown = {**payment_entity(scene.order), "order_id": None}
    answer = scene.tell("refund.processed", refund=refund_entity(unknown), payment=unknown)
    assert answer["outcome"] == "unknown_order"


# Disputes


def dispute(scene: Scene, kind: str, payment: Json, **changes: Any) -> Json:
    status = {"created": "open"}.get(kind, kind)
    entity = dispute_entity(payment, "disp_CnvPay0000001D", status=status, **changes)
    return scene.tell(f"payment.dispute.{kind}", payment=payment, dispute=entity)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("created", "disputed"),
        ("under_review", "disputed"),
        ("action_required", "disputed"),
        ("won", "payment_completed"),
        ("closed", "payment_completed"),
        ("lost", "chat_closed"),
    ],
)
def test_each_kind_of_dispute_is_in_the_books_and_told(scene: Scene, kind: str, state: str) -> None:
    answer = dispute(scene, kind, scene.pay())
    assert (answer["outcome"], answer["status"]) == ("dispute_recorded", "processed")
    critical = ("critical", "dispute_recorded:disp_CnvPay0000001D", 1)
    assert critical in alerts(scene.db)
    assert audit(scene.db)[-1] == ("webhook", "dispute_recorded")
    details = scene.db.value("select details from private.alerts where kind = 'dispute_recorded'")
    assert details["respond_by"].startswith("2030-01-01")
    assert scene.state() == state
    assert scene.rows("payment_disputes", "status", "dispute_id") == [
        ("open" if kind == "created" else kind,)
    ]


def test_the_bank_takes_back_what_is_held(scene: Scene) -> None:
    payment = scene.pay()
    dispute(scene, "created", payment)
    dispute(scene, "lost", payment)
    assert scene.books() == {"captured": AGREED, "charged_back": AGREED}
    assert ledger(scene.db)[1:] == [("held", "charged_back", AGREED)]
    assert (scene.state(), scene.play.stored()["close_reason"]) == ("chat_closed", "charged_back")
    before = (scene.play.stored(), ledger(scene.db))
    dispute(scene, "lost", payment)
    assert (scene.play.stored(), ledger(scene.db)) == before


def test_a_dispute_about_money_that_bounced_moves_no_deal(db: Database, people: Cast) -> None:
    scene = open_scene(db, people)
    scene.pay()
    second = payment_entity(scene.order)
    assert scene.tell("payment.captured", payment=second)["outcome"] == "double_payment"
    assert dispute(scene, "lost", second)["outcome"] == "dispute_recorded"
    assert (scene.state(), scene.books()) == (
        "payment_completed",
        {"captured": AGREED, "held": AGREED},
    )


def test_published_samples_of_a_dispute(scene: Scene) -> None:
    take_event(scene.db, fixture("payment.captured.card"))
    for name in ("created", "under_review", "lost", "won", "closed"):
        answer = take_event(scene.db, fixture(f"payment.dispute.{name}"))
        assert answer["outcome"] == "dispute_recorded"
    assert scene.rows("payment_disputes", "status", "dispute_id") == [("lost",)]
    assert scene.books() == {"captured": AGREED, "charged_back": AGREED}


def test_a_dispute_may_bring_the_payment_that_it_is_about(scene: Scene) -> None:
    payment = payment_entity(scene.order)
    assert dispute(scene, "created", payment)["outcome"] == "applied"
    assert (scene.state(), scene.books()) == ("disputed", {"captured": AGREED, "held": AGREED})
    assert audit(scene.db) == [("webhook", "applied"), ("webhook", "dispute_recorded")]
