"""claim_payment_poll and apply_payment_snapshot: Razorpay is asked, not too often, and believed."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.flow.deals import Cast, open_play
from tests.payments.scenes import AGREED, BROKEN, Scene, alerts, audit, break_function, ledger
from tests.payments.test_attach_payment_order import unattached
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database
from tests.support.operators import set_setting
from tests.support.payments import (
    Json,
    event_body,
    made_up_id,
    order_entity,
    payment_entity,
    store_event,
)

NOTHING = {
    "claimed": False,
    "payment_order_id": None,
    "receipt": None,
    "razorpay_order_id": None,
    "order_status": None,
    "retry_after": None,
}


def claim(scene: Scene, user: uuid.UUID | None = None, **more: Any) -> Any:
    """Somebody looks at the conversation."""
    with scene.db.as_service():
        return scene.db.call(
            "claim_payment_poll",
            conversation_id=scene.id,
            user_id=user or scene.people.asha,
            **more,
        )


def snapshot(scene: Scene, payments: Any = (), order: Json | None = None, **more: Any) -> Any:
    """Razorpay has answered; `order` is its order, as it was made unless given."""
    with scene.db.as_service():
        return scene.db.call(
            "apply_payment_snapshot",
            payment_order_id=scene.order.payment_order_id,
            order_entity=order or order_entity(scene.order),
            payments=payments if isinstance(payments, dict) else list(payments),
            **more,
        )


# Who may ask, and when


@pytest.mark.parametrize("who", ["asha", "bharat"])
def test_whoever_is_in_the_deal_has_razorpay_asked(scene: Scene, who: str) -> None:
    assert claim(scene, getattr(scene.people, who)) == {
        "claimed": True,
        "payment_order_id": scene.order.payment_order_id,
        "receipt": scene.order.receipt,
        "razorpay_order_id": scene.order.razorpay_order_id,
        "order_status": "open",
        "flow_state": "payment_pending",
        "retry_after": None,
    }


def test_it_is_asked_once_in_a_while(scene: Scene) -> None:
    assert claim(scene)["claimed"] is True
    second = claim(scene, scene.people.bharat)
    assert (second["claimed"], second["retry_after"]) == (False, 20)
    shift = "update private.payment_orders set polled_at = polled_at - %s * interval '1 second'"
    scene.db.query(shift, 15)
    third = claim(scene)
    assert third["claimed"] is False
    assert 1 <= third["retry_after"] <= 5
    assert claim(scene, min_gap_seconds=10)["claimed"] is True
    scene.db.query(shift, 20)
    assert claim(scene)["claimed"] is True


@pytest.mark.parametrize("gap", [0, -5, 1])
def test_never_more_than_once_a_second(scene: Scene, gap: int) -> None:
    assert claim(scene, min_gap_seconds=gap)["claimed"] is True
    second = claim(scene, min_gap_seconds=gap)
    assert (second["claimed"], second["retry_after"]) == (False, 1)


def test_of_many_at_once_one_asks(lasting_scene: Scene) -> None:
    scene = lasting_scene
    claimed: list[bool] = []

    def look(session: Database, number: int) -> None:
        with session.as_service():
            answer = session.call(
                "claim_payment_poll", conversation_id=scene.id, user_id=scene.people.asha
            )
        claimed.append(answer["claimed"])

    assert play_at_once(scene.db, 6, 6, look) == {OK: 6}
    assert sorted(claimed) == [False] * 5 + [True]


def test_a_stranger_gets_the_answer_of_a_wrong_id(scene: Scene) -> None:
    for user in (scene.people.chitra, scene.people.omkar, uuid.uuid4()):
        with scene.db.refused("CONVERSATION_NOT_FOUND", 404):
            claim(scene, user)
    assert claim(scene)["claimed"] is True
    with scene.db.as_service(), scene.db.refused("CONVERSATION_NOT_FOUND", 404):
        scene.db.call("claim_payment_poll", conversation_id=uuid.uuid4(), user_id=uuid.uuid4())


def test_so_does_a_member_whose_login_is_gone(lasting_scene: Scene) -> None:
    scene = lasting_scene
    delete = "delete from auth.users where id = %s returning id"
    assert scene.db.query_as_superuser(delete, scene.people.asha)
    with scene.db.refused("CONVERSATION_NOT_FOUND", 404):
        claim(scene)
    assert claim(scene, scene.people.bharat)["flow_state"] == "chat_closed"


def test_only_the_service_claims(scene: Scene) -> None:
    given = {"conversation_id": scene.id, "user_id": scene.people.asha}
    with scene.db.signed_in_as(scene.people.asha), scene.db.refused("42501"):
        scene.db.call("claim_payment_poll", **given)
    with scene.db.as_anon(), scene.db.refused("42501"):
        scene.db.call("claim_payment_poll", **given)


def test_without_an_order_there_is_nothing_to_ask(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    with db.as_service():
        answer = db.call("claim_payment_poll", conversation_id=play.id, user_id=people.asha)
    assert answer == {**NOTHING, "flow_state": "payment_pending"}


def test_what_is_paid_needs_no_question(scene: Scene) -> None:
    scene.pay()
    answer = claim(scene)
    assert (answer["claimed"], answer["order_status"]) == (False, "paid")
    assert (answer["flow_state"], answer["retry_after"]) == ("payment_completed", None)


def test_an_order_of_a_closed_deal_is_still_asked_about(scene: Scene) -> None:
    scene.play.walk("B:end_conversation")
    answer = claim(scene)
    assert (answer["claimed"], answer["flow_state"]) == (True, "chat_closed")


@pytest.mark.parametrize(("days", "claimed"), [(179, True), (181, False)])
def test_razorpay_forgets_after_180_days(scene: Scene, days: int, claimed: bool) -> None:
    scene.db.query(
        "update private.payment_orders set created_at = created_at - %s * interval '1 day'", days
    )
    answer = claim(scene)
    assert (answer["claimed"], answer["retry_after"]) == (claimed, None)


# What it answers


def test_a_payment_that_no_event_told_of_is_found(scene: Scene) -> None:
    answer = snapshot(scene, [payment_entity(scene.order)], scene.paid_order())
    assert answer == {
        "outcome": "applied",
        "flow_state": "payment_completed",
        "conversation_id": scene.id,
    }
    assert scene.books() == {"captured": AGREED, "held": AGREED}
    second = snapshot(scene, [payment_entity(scene.order)], actor=f"reconcile:{scene.people.asha}")
    assert second["outcome"] == "double_payment"
    assert audit(scene.db) == [
        ("reconcile", "applied"),
        (f"reconcile:{scene.people.asha}", "double_payment"),
    ]


def test_the_same_answer_again_changes_nothing(scene: Scene) -> None:
    payment = payment_entity(scene.order)
    collection = {"entity": "collection", "count": 1, "items": [payment]}
    assert snapshot(scene, collection)["outcome"] == "applied"
    assert snapshot(scene, collection)["outcome"] == "noop"
    assert ledger(scene.db) == [("gateway", "held", AGREED)]
    event = scene.tell("payment.captured", payment=payment)
    assert (event["outcome"], event["status"]) == ("noop", "processed")


@pytest.mark.parametrize("status", ["created", "failed", "authorized"])
def test_what_has_not_come_in_moves_nothing(scene: Scene, status: str) -> None:
    payment = payment_entity(scene.order, status=status, captured=True)
    assert snapshot(scene, [payment])["outcome"] == "noop"
    assert scene.state() == "payment_pending"
    assert scene.rows("payments", "status captured_at", "payment_id") == [(status, None)]
    assert scene.steps("payment_failed") == (1 if status == "failed" else 0)


def test_an_order_that_razorpay_does_not_have_is_no_news(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    with db.as_service():
        answer = db.call(
            "apply_payment_snapshot",
            payment_order_id=scene.order.payment_order_id,
            order_entity=None,
            payments=None,
        )
    assert (answer["outcome"], answer["flow_state"]) == ("noop", "payment_pending")


def test_an_order_whose_answer_was_lost_is_found_by_its_receipt(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    answer = snapshot(scene, [payment_entity(scene.order)], scene.paid_order())
    assert (answer["outcome"], answer["flow_state"]) == ("applied", "payment_completed")
    assert scene.rows("payment_orders", "razorpay_order_id status", "id") == [
        (scene.order.razorpay_order_id, "paid")
    ]


def test_somebody_elses_receipt_is_not_ours(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    other = scene.paid_order(receipt="another")
    assert snapshot(scene, [payment_entity(scene.order)], other)["outcome"] == "order_mismatch"
    assert alerts(db) == [("critical", f"order_mismatch:{scene.order.payment_order_id}", 1)]
    assert (scene.state(), ledger(db)) == ("payment_pending", [])


def test_an_order_of_another_amount_is_not_adopted(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    for wrong in ({"amount": 100}, {"currency": "USD"}):
        told = scene.paid_order(**wrong)
        assert snapshot(scene, [], told)["outcome"] == "order_mismatch"
    assert scene.rows("payment_orders", "razorpay_order_id", "id") == [(None,)]


def test_whoever_only_looks_uses_up_nobodys_turn(scene: Scene) -> None:
    given = {"conversation_id": scene.id, "user_id": scene.people.asha}
    with scene.db.as_service():
        looked = scene.db.call("claim_payment_poll", **given, min_gap_seconds=None)
        assert looked["razorpay_order_id"] == scene.order.razorpay_order_id
        assert looked["claimed"] is False
        assert scene.db.call("claim_payment_poll", **given)["claimed"] is True


def test_another_order_than_the_one_attached_is_not_ours(scene: Scene) -> None:
    other = scene.paid_order(id=made_up_id("order"))
    payment = payment_entity(scene.order, order_id=other["id"])
    assert snapshot(scene, [payment], other)["outcome"] == "order_mismatch"
    assert (scene.state(), ledger(scene.db)) == ("payment_pending", [])


def test_an_app_of_another_mode_brings_nothing(scene: Scene) -> None:
    answer = snapshot(scene, [payment_entity(scene.order)], mode="live")
    assert (answer["outcome"], answer["flow_state"]) == ("mode_mismatch", "payment_pending")
    assert alerts(scene.db) == [("critical", f"mode_mismatch:{scene.order.payment_order_id}", 1)]
    assert ledger(scene.db) == []


@pytest.mark.parametrize(
    "payments",
    [
        {"items": 5},
        [5],
        [[]],
        [None],
        [{"id": "pay_CnvPay0000001A"}],
        [{"id": "pay_CnvPay0000001A", "amount": "500000", "currency": "INR", "status": "captured"}],
        [{"id": "pay_CnvPay0000001A", "amount": 5.5, "currency": "INR", "status": "captured"}],
        [{"id": "pay_CnvPay0000001A", "amount": 500000, "currency": "INR", "status": "paid"}],
        [{"id": "order_CnvPay000001", "amount": 500000, "currency": "INR", "status": "captured"}],
    ],
)
def test_what_cannot_be_read_is_not_believed(scene: Scene, payments: Any) -> None:
    answer = snapshot(scene, payments)
    assert (answer["outcome"], answer["flow_state"]) == ("malformed", "payment_pending")
    assert alerts(scene.db) == [("critical", f"malformed:{scene.order.payment_order_id}", 1)]
    assert scene.rows("payments", "payment_id", "payment_id") == []


def test_a_payment_of_another_order_is_not_taken_for_one_of_ours(scene: Scene) -> None:
    foreign = payment_entity(scene.order, order_id=made_up_id("order"))
    assert snapshot(scene, [foreign])["outcome"] == "malformed"
    assert (scene.state(), ledger(scene.db)) == ("payment_pending", [])


@pytest.mark.parametrize("payments", [[], {}, {"items": []}, None, 5, "x"])
def test_an_answer_without_payments_is_no_news(scene: Scene, payments: Any) -> None:
    with scene.db.as_service():
        answer = scene.db.call(
            "apply_payment_snapshot",
            payment_order_id=scene.order.payment_order_id,
            order_entity=order_entity(scene.order),
            payments=payments,
        )
    assert answer["outcome"] == "noop"


def test_events_that_nobody_processed_are_taken_too(scene: Scene) -> None:
    body = event_body("order.paid", payment=payment_entity(scene.order), order=scene.paid_order())
    event = store_event(scene.db, body)
    answer = snapshot(scene)
    assert (answer["outcome"], answer["flow_state"]) == ("applied", "payment_completed")
    assert scene.rows("payment_events", "id status outcome", "id") == [
        (event, "processed", "applied")
    ]
    with scene.db.as_service():
        assert scene.db.call("process_payment_event", event_row_id=event)["outcome"] == "duplicate"


def test_a_fault_of_ours_while_events_are_taken_is_counted_with_the_event(scene: Scene) -> None:
    event = store_event(
        scene.db, event_body("payment.captured", payment=payment_entity(scene.order))
    )
    break_function(scene.db, "read_payment", BROKEN)
    assert snapshot(scene)["outcome"] == "try_again"
    assert scene.rows("payment_events", "id status attempts", "id") == [(event, "received", 1)]


def test_an_order_nobody_knows_is_refused(db: Database) -> None:
    with db.as_service(), db.refused("INPUT_INVALID", 422):
        db.call(
            "apply_payment_snapshot", payment_order_id=uuid.uuid4(), order_entity={}, payments=[]
        )


def test_only_the_service_brings_answers(scene: Scene) -> None:
    given = {
        "payment_order_id": scene.order.payment_order_id,
        "order_entity": scene.paid_order(),
        "payments": [payment_entity(scene.order)],
    }
    for user in (scene.people.bharat, scene.people.omkar):
        with scene.db.signed_in_as(user), scene.db.refused("42501"):
            scene.db.call("apply_payment_snapshot", **given)
    assert scene.state() == "payment_pending"


def test_a_live_order_takes_a_live_answer(db: Database, people: Cast) -> None:
    set_setting(db, "payment_mode", "live")
    scene = unattached(db, people)
    paid = [payment_entity(scene.order)]
    assert snapshot(scene, paid, scene.paid_order())["outcome"] == "mode_mismatch"
    assert snapshot(scene, paid, scene.paid_order(), mode="live")["outcome"] == "applied"
