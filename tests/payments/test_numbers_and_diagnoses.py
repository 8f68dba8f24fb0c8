"""get_metrics and diagnose_conversation: each number moves, each problem has its sentence."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from typing import Any

from tests.flow.deals import Cast, open_play
from tests.payments.scenes import (
    AGREED,
    Scene,
    alerts,
    break_function,
    fixture,
    open_refund,
    open_scene,
    rows,
)
from tests.payments.test_operators import ask, finish, operator
from tests.support.databases import Database
from tests.support.operators import set_setting
from tests.support.payments import dispute_entity, payment_entity, store_event, take_event
from tests.support.stacks import Cluster

AT_REST = {
    "open_alerts": {"info": 0, "warning": 0, "critical": 0},
    "events": {"received": 0, "parked": 0},
    "events_stuck": 0,
    "refunds_requested": 0,
    "refunds_oldest_seconds": 0,
    "pending_payments": 0,
    "oldest_pending_payment_seconds": 0,
    "payouts_owed": 0,
    "payouts_owed_minor": 0,
    "ledger_balance_minor": 0,
    "payment_mode": "test",
}


# Numbers


def changed(scene: Scene, **numbers: Any) -> None:
    """Exactly these numbers differ from a project at rest."""
    said = ask(scene, "get_metrics")
    assert {name: said[name] for name in AT_REST} == {**AT_REST, **numbers}


def test_a_project_at_rest_shows_noughts(scene: Scene) -> None:
    changed(scene)
    set_setting(scene.db, "payment_mode", "live")
    changed(scene, payment_mode="live")


def test_events_that_wait_and_that_are_set_aside_are_counted(scene: Scene) -> None:
    store_event(scene.db, fixture("order.paid.card"))
    changed(scene, events={"received": 1, "parked": 0})
    shift = "update private.payment_events set received_at = now() - %s * interval '1 second'"
    scene.db.query(shift, 290)
    changed(scene, events={"received": 1, "parked": 0})
    scene.db.query(shift, 310)
    changed(scene, events={"received": 1, "parked": 0}, events_stuck=1)
    (event,) = rows(scene.db, "payment_events", "id", "id")
    assert ask(scene, "replay_payment_event", event_row_id=event[0])["outcome"] == "applied"
    changed(scene)
    take_event(scene.db, b"{")
    critical = {"info": 0, "warning": 0, "critical": 1}
    changed(scene, events={"received": 0, "parked": 1}, open_alerts=critical)
    take_event(scene.db, fixture("fault.unknown_order"))
    both = {"info": 1, "warning": 0, "critical": 1}
    changed(scene, events={"received": 0, "parked": 2}, open_alerts=both)


def test_payments_that_were_tried_and_are_awaited_are_counted(scene: Scene) -> None:
    for _ in range(2):
        scene.tell("payment.failed", payment=payment_entity(scene.order, status="failed"))
    scene.db.query("update private.payments set created_at = now() - interval '90 seconds'")
    changed(scene, pending_payments=1, oldest_pending_payment_seconds=90)
    scene.pay()
    changed(scene)


def test_refunds_that_wait_are_counted(db: Database, people: Cast) -> None:
    scene, _, _ = open_refund(db, people)
    db.query("update private.refunds set requested_at = now() - interval '75 seconds'")
    changed(scene, refunds_requested=1, refunds_oldest_seconds=75)


def test_what_is_owed_is_counted(db: Database, people: Cast) -> None:
    scene = open_scene(db, people)
    finish(scene)
    changed(scene, payouts_owed=1, payouts_owed_minor=AGREED)


def test_books_that_differ_from_the_ledger_are_seen(scene: Scene) -> None:
    scene.pay()
    changed(scene)
    scene.db.query(
        "insert into private.escrow_ledger"
        " (conversation_id, from_account, to_account, amount_minor, version, created_at)"
        " values (%s, 'held', 'fee', 700, 1, now())",
        scene.id,
    )
    changed(scene, ledger_balance_minor=700)


def test_what_happened_lately_is_told_by_type_state_and_action(scene: Scene) -> None:
    scene.pay()
    said = ask(scene, "get_metrics")
    assert said["window_seconds"] == 300
    assert said["messages"]["system"] >= 1
    (paid,) = (step for step in said["steps"] if step["action"] == "payment_captured")
    assert paid == {
        "from_state": "payment_pending",
        "to_state": "payment_completed",
        "action": "payment_captured",
        "role": "system",
        "count": 1,
    }
    (state,) = said["states"]
    assert (state["state"], state["deals"]) == ("payment_completed", 1)
    assert said["notifications"]["payment"] >= 2
    assert said["push_queue"] == {"waiting": 0, "oldest_seconds": 0, "resting_hosts": 0}
    scene.db.query("update private.notifications set created_at = created_at - interval '6 min'")
    later = ask(scene, "get_metrics")
    assert later["notifications"] == {}


def test_delivery_is_told_with_its_lag(scene: Scene) -> None:
    people = scene.people
    with scene.db.signed_in_as(people.asha):
        talk = scene.db.call("direct_connect", target_user_id=people.chitra)
    chat = talk.get("conversation_id") or talk["conversation"]["conversation_id"]
    with scene.db.signed_in_as(people.asha):
        scene.db.call("send_message", conversation_id=chat, message="Hello")
    none = ask(scene, "get_metrics")["delivery"]
    assert none == {"sent": 1, "delivered": 0, "read": 0, "lag_seconds": None}
    with scene.db.signed_in_as(people.chitra):
        scene.db.call("mark_delivered", conversation_id=chat, up_to_seq=9)
    said = ask(scene, "get_metrics")["delivery"]
    assert (said["sent"], said["delivered"], said["read"]) == (1, 1, 0)
    assert 0 <= said["lag_seconds"] < 60


def test_a_deal_is_an_outcome_once(scene: Scene) -> None:
    finish(scene)
    assert ask(scene, "get_metrics")["outcomes"] == {"completed": 1}
    with scene.db.signed_in_as(scene.people.asha):
        scene.db.call("take_action", conversation_id=scene.id, action="close_conversation")
    said = ask(scene, "get_metrics")
    assert (said["outcomes"], sum(said["closed"].values())) == ({"completed": 1}, 1)


def test_a_deal_that_fails_is_told_with_its_reason(db: Database, people: Cast) -> None:
    scene, _, _ = open_refund(db, people)
    assert ask(scene, "get_metrics")["outcomes"] == {}
    with operator(db, people):
        db.call(
            "mark_refunded_manually", conversation_id=scene.id, reference="UTR1", note="By hand"
        )
    assert ask(scene, "get_metrics")["outcomes"] == {"refunded": 1}


def test_what_cleanups_have_yet_to_do_is_counted(scene: Scene) -> None:
    db, people = scene.db, scene.people
    with db.signed_in_as(people.asha):
        talk = db.call("direct_connect", target_user_id=people.chitra)["conversation"]
        db.call(
            "send_message",
            conversation_id=talk["conversation_id"], message="Hello", expiration_hours=1,
        )  # fmt: skip
    shift = "update public.messages set expires_at = now() - %s * interval '1 day'"
    db.query(f"{shift} where expires_at is not null", 29)
    assert ask(scene, "get_metrics")["cleanup_due"] == {"messages": 0, "steps": 0}
    db.query(f"{shift} where expires_at is not null", 31)
    db.query("update private.conversations set deadline_at = now() where id = %s", scene.id)
    assert ask(scene, "get_metrics")["cleanup_due"] == {"messages": 1, "steps": 1}
    hold = "insert into private.legal_holds (conversation_id, reason) values (%s, 'Case')"
    db.query(hold, talk["conversation_id"])
    assert ask(scene, "get_metrics")["cleanup_due"]["messages"] == 0
    db.query("delete from private.legal_holds where reason = 'Case'")
    set_setting(db, "expired_grace_days", None)
    assert ask(scene, "get_metrics")["cleanup_due"]["messages"] == 0


def test_a_refused_step_is_a_line_of_postgres_that_counts_it(
    scene: Scene, cluster: Cluster
) -> None:
    """What docs/OPERATIONS.md reads of the log: code, state and action, in the message's JSON."""
    log = cluster.data / "server.log"
    size = log.stat().st_size
    step = {"conversation_id": scene.id, "action": "accept_connection"}
    with scene.db.signed_in_as(scene.people.asha), scene.db.refused("FLOW_STATE_INVALID", 409):
        scene.db.call("take_action", **step)
    written = log.read_bytes()[size:].decode()
    refusals = [json.loads(text) for text in re.findall(r"ERROR:  (\{.*\})", written)]
    counted = {
        (refusal["code"], details.get("current_state"), details.get("action"))
        for refusal in refusals
        if (details := json.loads(refusal["details"]))
    }
    assert ("FLOW_STATE_INVALID", "payment_pending", "accept_connection") in counted


# Diagnoses


def problems(scene: Scene) -> Any:
    return ask(scene, "diagnose_conversation", conversation_id=scene.id)["problems"]


def test_a_diagnosis_has_every_row_about_the_money_and_no_raw_body(scene: Scene) -> None:
    scene.pay()
    scene.tell("payment.captured", payment=payment_entity(scene.order))
    found = ask(scene, "diagnose_conversation", conversation_id=scene.id)
    assert found["problems"] == []
    assert (found["flow_state"], found["kind"]) == ("payment_completed", "bid")
    assert found["books"]["held_minor"] == found["books"]["ledger_held_minor"] == AGREED
    assert found["books"]["ledger_bounced_minor"] == AGREED
    counts = {
        "orders": 1,
        "payments": 2,
        "refund_requests": 1,
        "refunds": 0,
        "disputes": 0,
        "events": 2,
        "payouts": 0,
        "alerts": 1,
        "audit": 2,
        "ledger": 2,
    }
    assert {name: len(found[name]) for name in counts} == counts
    assert found["history"]["valid"] is True
    assert "body" not in found["events"][0]
    assert alerts(scene.db)[0][1].endswith(found["alerts"][0]["razorpay_payment_id"])


def test_a_diagnosis_of_nothing_is_refused(scene: Scene) -> None:
    with operator(scene.db, scene.people) as db, db.refused("CONVERSATION_NOT_FOUND", 404):
        db.call("diagnose_conversation", conversation_id=uuid.uuid4())


def test_a_difference_of_the_books_is_a_problem(scene: Scene) -> None:
    scene.pay()
    scene.db.query("update private.conversations set captured_minor = 500001, held_minor = 500001")
    (problem,) = problems(scene)
    assert problem.startswith("The books and the ledger differ")


def test_money_in_no_book_is_a_problem(scene: Scene) -> None:
    scene.db.query(
        "update private.conversations set flow_state = 'influencer_final_response' where id = %s",
        scene.id,
    )
    answer = scene.tell("payment.captured", payment=payment_entity(scene.order))
    assert answer["outcome"] == "captured_out_of_flow"
    (problem,) = problems(scene)
    assert problem.startswith("Money came in that is in no book")


def test_a_refund_that_does_not_go_through_is_a_problem(db: Database, people: Cast) -> None:
    scene, _, request = open_refund(db, people)
    assert problems(scene) == []
    with db.as_service():
        db.call("record_refund_result", refund_id=request, error={"kind": "refused"})
    (problem,) = problems(scene)
    assert problem.startswith("A refund did not go through")


def test_an_event_that_nobody_processed_is_a_problem(scene: Scene) -> None:
    break_function(scene.db, "settle_order")
    take_event(scene.db, fixture("order.paid.card"))
    (problem,) = problems(scene)
    assert problem.startswith("An event is stored and not processed")


def test_a_dispute_that_is_open_is_a_problem(scene: Scene) -> None:
    payment = scene.pay()
    dispute = dispute_entity(payment)
    scene.tell("payment.dispute.created", payment=payment, dispute=dispute)
    (problem,) = problems(scene)
    assert problem.startswith("The payer's bank disputes a payment")
    scene.tell("payment.dispute.won", payment=payment, dispute={**dispute, "status": "won"})
    assert problems(scene) == []


def test_a_diagnosis_shows_the_deal_as_it_is_now(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    play.let_pass(timedelta(days=60))
    with operator(db, people):
        found = db.call("diagnose_conversation", conversation_id=play.id)
    assert found["flow_state"] == "chat_closed"
