"""What people at Razorpay's dashboard and payers' banks do past the flow: nothing is paid twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.deals import Cast, open_play
from tests.payments.scenes import (
    AGREED,
    Scene,
    alerts,
    audit,
    ledger,
    open_refund,
    open_scene,
    refunded,
    requests,
    rows,
)
from tests.payments.test_operators import ask, operator
from tests.support.databases import Database
from tests.support.payments import (
    Json,
    dispute_entity,
    made_up_id,
    payment_entity,
    refund_entity,
)

HELD = {"captured": AGREED, "held": AGREED}


def dispute(scene: Scene, kind: str, payment: Json, **changes: Any) -> Json:
    """The bank disputes a payment, or has decided."""
    status = {"created": "open"}.get(kind, kind)
    entity = dispute_entity(payment, "disp_CnvPay0000001D", status=status, **changes)
    return scene.tell(f"payment.dispute.{kind}", payment=payment, dispute=entity)


def problems(scene: Scene) -> list[str]:
    found: list[str] = ask(scene, "diagnose_conversation", conversation_id=scene.id)["problems"]
    return found


def take(db: Database) -> list[Json]:
    with db.as_service():
        taken: list[Json] = db.call("take_refund_requests")
    return taken


def refund_by_hand(scene: Scene, payment: Json, amount: int, back: int) -> str:
    """Somebody gives back an amount, `back` paise in all by now; the outcome."""
    answer = scene.tell(
        "refund.processed",
        refund=refund_entity(payment, made_up_id("rfnd"), amount=amount),
        payment=refunded(payment, back),
    )
    outcome: str = answer["outcome"]
    return outcome


@pytest.fixture
def late(db: Database, people: Cast) -> tuple[Scene, Json]:
    """A deal that was paid after its end, and the payment that is to go back."""
    scene = open_scene(db, people)
    scene.play.walk("B:end_conversation")
    payment = payment_entity(scene.order)
    answer = scene.tell("payment.captured", payment=payment)
    assert answer["outcome"] == "captured_after_closed"
    return scene, payment


# The bank


@pytest.mark.parametrize("work", ["", "I:start_work", "I:start_work I:submit_work"])
def test_a_dispute_that_is_lost_ends_the_deal_also_when_an_operator_let_it_go_on(
    scene: Scene, work: str
) -> None:
    payment = scene.pay()
    for step in work.split():
        who = {"I": scene.people.asha, "B": scene.people.bharat}[step[0]]
        with scene.db.signed_in_as(who):
            scene.db.call(
                "take_action",
                conversation_id=scene.id,
                action=step[2:],
                input=scene.play.usual(step[2:]),
            )
    dispute(scene, "created", payment)
    ask(scene, "resolve_dispute", conversation_id=scene.id, verdict="resume")
    assert scene.books() == HELD
    dispute(scene, "lost", payment)
    assert scene.books() == {"captured": AGREED, "charged_back": AGREED}
    assert scene.state() == "chat_closed"


def test_a_bank_that_took_a_part_leaves_the_rest_to_a_person(scene: Scene) -> None:
    payment = scene.pay()
    dispute(scene, "created", payment, amount=100)
    assert scene.state() == "disputed"
    dispute(scene, "lost", payment, amount=100)
    assert (scene.state(), scene.books()) == ("disputed", HELD)
    (problem,) = problems(scene)
    assert problem.startswith("The payer's bank has taken back money")
    assert ("critical", "dispute_recorded:disp_CnvPay0000001D", 2) in alerts(scene.db)


def test_parts_that_are_the_whole_together_end_the_deal(scene: Scene) -> None:
    payment = scene.pay()
    dispute(scene, "lost", payment, amount=100)
    assert scene.books() == HELD
    rest = dispute_entity(payment, amount=AGREED - 100, status="lost")
    scene.tell("payment.dispute.lost", payment=payment, dispute=rest)
    assert scene.books() == {"captured": AGREED, "charged_back": AGREED}
    assert scene.state() == "chat_closed"


def test_a_lost_part_freezes_a_deal_that_went_on(scene: Scene) -> None:
    payment = scene.pay()
    dispute(scene, "created", payment, amount=100)
    ask(scene, "resolve_dispute", conversation_id=scene.id, verdict="resume")
    dispute(scene, "lost", payment, amount=100)
    assert (scene.state(), scene.books()) == ("disputed", HELD)


@pytest.mark.parametrize("kind", ["created", "lost"])
def test_what_the_bank_disputes_is_not_sent_back_as_well(
    late: tuple[Scene, Json], kind: str
) -> None:
    scene, payment = late
    dispute(scene, kind, payment)
    assert take(scene.db) == []
    assert requests(scene.db) == [("bounce", AGREED, "requested")]
    assert any(problem.startswith("A refund waits") for problem in problems(scene))


def test_what_went_back_and_was_taken_by_the_bank_as_well_is_a_problem(
    late: tuple[Scene, Json],
) -> None:
    scene, payment = late
    refund = refund_entity(payment, receipt=take(scene.db)[0]["refund_id"])
    scene.tell("refund.processed", refund=refund, payment=refunded(payment))
    assert problems(scene) == []
    dispute(scene, "lost", payment)
    (problem,) = problems(scene)
    assert problem.startswith("A payment was sent back, and the payer's bank has taken it")


def test_what_an_operator_marked_for_the_bank_is_no_problem_any_more(
    db: Database, people: Cast
) -> None:
    scene, payment, _ = open_refund(db, people)
    dispute(scene, "lost", payment)
    assert len(problems(scene)) == 2
    assert ask(scene, "get_metrics")["refunds_requested"] == 1
    db.query("update private.refunds set requested_at = now() - interval '2 days'")
    assert ask(scene, "get_metrics")["refunds_oldest_seconds"] == 0
    ask(scene, "mark_refunded_manually", conversation_id=scene.id, reference="The bank's")
    assert problems(scene) == []


@pytest.mark.parametrize("kind", ["won", "closed"])
def test_it_is_sent_when_the_bank_has_let_it_be(late: tuple[Scene, Json], kind: str) -> None:
    scene, payment = late
    dispute(scene, "created", payment)
    assert take(scene.db) == []
    dispute(scene, kind, payment)
    assert [request["payment_id"] for request in take(scene.db)] == [payment["id"]]


def test_a_refund_that_may_have_been_sent_is_looked_for_whatever_the_bank_says(
    late: tuple[Scene, Json],
) -> None:
    scene, payment = late
    assert [row["may_be_sent"] for row in take(scene.db)] == [True]
    dispute(scene, "created", payment)
    scene.db.query("update private.refunds set next_try_at = now()")
    assert [row["may_be_sent"] for row in take(scene.db)] == [False]


def test_a_refund_that_was_sent_is_asked_about_whatever_the_bank_says(
    db: Database, people: Cast
) -> None:
    scene, payment, request = open_refund(db, people)
    pending = refund_entity(payment, receipt=request, status="pending")
    with db.as_service():
        db.call("record_refund_result", refund_id=request, entity=pending)
    dispute(scene, "created", payment)
    assert [row["razorpay_refund_id"] for row in take(db)] == [pending["id"]]


def test_who_pays_out_sees_that_the_bank_disputes_the_money(scene: Scene) -> None:
    payment = scene.pay()
    ask(scene, "force_dispute", conversation_id=scene.id, reason="fraud")
    ask(scene, "resolve_dispute", conversation_id=scene.id, verdict="release")
    (payout,) = ask(scene, "list_payouts")
    assert payout["disputed"] is False
    dispute(scene, "created", payment)
    (payout,) = ask(scene, "list_payouts")
    assert payout["disputed"] is True


# People


def test_a_payment_that_somebody_gave_back_in_parts_is_not_sent_again(
    late: tuple[Scene, Json],
) -> None:
    scene, payment = late
    assert refund_by_hand(scene, payment, 100, 100) == "refund_recorded"
    assert requests(scene.db) == [("bounce", AGREED, "requested")]
    assert refund_by_hand(scene, payment, AGREED - 100, AGREED) == "refund_recorded"
    assert requests(scene.db) == [("bounce", AGREED, "processed")]
    assert ledger(scene.db)[1:] == [("bounced", "returned", AGREED)]
    assert take(scene.db) == []


def test_an_operator_ends_what_went_back_in_another_way(late: tuple[Scene, Json]) -> None:
    scene, _ = late
    request = scene.db.value("select id from private.refunds")
    scene.db.query("insert into private.admins (user_id) values (%s)", scene.people.bharat)
    with scene.db.signed_in_as(scene.people.bharat), scene.db.refused("FORBIDDEN", 403):
        scene.db.call("mark_payment_returned", refund_id=request, reference="UTR 17")
    with operator(scene.db, scene.people):
        with scene.db.refused("INPUT_INVALID", 422, details={"field": "reference"}):
            scene.db.call("mark_payment_returned", refund_id=request, reference=" ")
        answer = scene.db.call("mark_payment_returned", refund_id=request, reference="UTR 17")
        assert answer == {"id": str(request), "status": "processed"}
        # Pressed again: it is done.
        with scene.db.refused("INPUT_INVALID", 422, details={"field": "refund_id"}):
            scene.db.call("mark_payment_returned", refund_id=request, reference="UTR 17")
    assert rows(scene.db, "refunds", "status reference razorpay_refund_id", "id") == [
        ("processed", "UTR 17", None)
    ]
    assert ledger(scene.db)[1:] == [("bounced", "returned", AGREED)]
    assert audit(scene.db)[-1] == (f"operator:{scene.people.omkar}", "payment_returned")


def test_each_return_has_a_proof_of_its_own(db: Database, people: Cast) -> None:
    scene, _, deals = open_refund(db, people)
    second = payment_entity(scene.order)
    assert scene.tell("payment.captured", payment=second)["outcome"] == "double_payment"
    ask(scene, "mark_refunded_manually", conversation_id=scene.id, reference="UTR 1")
    assert scene.state() == "chat_closed"
    with operator(db, people):
        with db.refused("CHAT_CLOSED", 409):
            db.call("mark_refunded_manually", conversation_id=scene.id, reference="UTR 1")
        with db.refused("INPUT_INVALID", 422, details={"field": "refund_id"}):
            db.call("mark_payment_returned", refund_id=deals, reference="UTR 1")
    assert requests(db) == [("deal", AGREED, "processed"), ("bounce", AGREED, "requested")]


def test_a_refund_of_somebody_else_that_failed_answers_no_request_of_ours(
    db: Database, people: Cast
) -> None:
    scene, payment, _ = open_refund(db, people)
    (sent,) = take(db)
    by_hand = refund_entity(payment, status="failed")
    assert scene.tell("refund.failed", refund=by_hand, payment=payment)["outcome"] == (
        "refund_failed"
    )
    db.query("update private.refunds set next_try_at = now()")
    (again,) = take(db)
    assert again["idempotency_key"] == sent["idempotency_key"]


def test_a_refund_that_fails_after_it_went_through_is_a_problem(db: Database, people: Cast) -> None:
    scene, payment, request = open_refund(db, people)
    refund = refund_entity(payment, receipt=request)
    scene.tell("refund.processed", refund=refund, payment=refunded(payment))
    assert problems(scene) == []
    failed = {**refund, "status": "failed"}
    assert scene.tell("refund.failed", refund=failed, payment=payment)["outcome"] == (
        "refund_failed"
    )
    (problem,) = problems(scene)
    assert problem.startswith("A refund failed after it had gone through")


def test_of_two_payments_in_one_look_the_one_that_went_back_is_no_obstacle(scene: Scene) -> None:
    gone = refunded(payment_entity(scene.order, "pay_aaaa0000000001"))
    good = payment_entity(scene.order, "pay_bbbb0000000002")
    with scene.db.as_service():
        answer = scene.db.call(
            "apply_payment_snapshot",
            payment_order_id=scene.order.payment_order_id,
            order_entity=scene.paid_order(),
            payments=[gone, good],
        )
    assert answer["flow_state"] == "payment_completed"
    assert (scene.books(), requests(scene.db)) == (HELD, [])


@pytest.mark.parametrize("told", ["by the event", "by the answer"])
def test_a_refund_that_goes_through_after_an_operator_paid_by_hand_is_told(
    db: Database, people: Cast, told: str
) -> None:
    scene, payment, request = open_refund(db, people)
    refund = refund_entity(payment, receipt=request, status="pending")
    with db.as_service():
        db.call("record_refund_result", refund_id=request, entity=refund)
    ask(scene, "mark_refunded_manually", conversation_id=scene.id, reference="UTR 1")
    done = {**refund, "status": "processed"}
    if told == "by the event":
        answer = scene.tell("refund.processed", refund=done, payment=refunded(payment))
    else:
        with db.as_service():
            answer = db.call("record_refund_result", refund_id=request, entity=done)
    assert answer["outcome"] == "refund_recorded"
    assert ("critical", f"refund_recorded:{refund['id']}", 1) in alerts(db)


def test_money_given_back_past_the_books_is_a_problem(scene: Scene) -> None:
    payment = scene.pay()
    assert problems(scene) == []
    assert refund_by_hand(scene, payment, AGREED, AGREED) == "refund_recorded"
    (problem,) = problems(scene)
    assert problem.startswith("Razorpay has given back more than the books say")


def test_only_a_failure_has_a_reason_in_the_audit(db: Database, people: Cast) -> None:
    _, payment, request = open_refund(db, people)
    with db.as_service():
        db.call(
            "record_refund_result",
            refund_id=request,
            entity=refund_entity(payment, receipt=request),
        )
    details = db.value("select details from private.payment_audit where action like 'refund%'")
    assert "reason" not in details


def test_an_operators_button_waits_for_no_long_pause(late: tuple[Scene, Json]) -> None:
    scene, _ = late
    assert len(take(scene.db)) == 1
    scene.db.query(
        "update private.refunds set tried_at = now() - interval '21 seconds',"
        " next_try_at = now() + interval '1 hour'"
    )
    assert take(scene.db) == []
    with operator(scene.db, scene.people):
        assert len(scene.db.call("take_refund_requests")) == 1
        assert scene.db.call("take_refund_requests") == []


@pytest.mark.parametrize(("amount", "theirs"), [(2000, True), (None, False)])
def test_after_a_refund_each_side_reads_what_is_theirs(
    db: Database, people: Cast, amount: int | None, theirs: bool
) -> None:
    scene = "disputed by I during work" if amount else "refund_pending"
    play = open_play(db, people, "bid", scene)
    if amount:
        play.do("A", "resolve_split", refund_amount=amount)
    play.do("S", "refund_processed", reference="rfnd_1")
    said = {
        row["visible_to"]: row["message"]
        for row in db.query(
            "select visible_to, message from public.messages where conversation_id = %s"
            " and message like 'The refund%%complete%%' order by seq",
            play.id,
        )
    }
    books = play.stored()
    assert "\u20b9" in said["brand_owner"]
    assert f"{books['refunded_minor'] // 100:,}"[-3:] in said["brand_owner"]
    assert ("is yours" in said["influencer"]) == theirs
