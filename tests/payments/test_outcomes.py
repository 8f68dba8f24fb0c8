"""What an event can come to: for the deal, for the money, for operators and in the audit."""

from __future__ import annotations

import json
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
    open_scene,
    requests,
)
from tests.payments.test_attach_payment_order import unattached
from tests.support.databases import Database
from tests.support.operators import set_setting
from tests.support.payments import (
    Json,
    event_body,
    order_entity,
    payment_entity,
    refund_entity,
    store_event,
    take_event,
)

MALFORMED = (
    "amount_float",
    "amount_string",
    "array_top",
    "not_json",
    "nul_in_notes",
    "payload_list",
    "truncated",
)


def check_untouched(scene: Scene) -> None:
    """The deal waits for its payment as before, and no money is anywhere."""
    assert scene.state() == "payment_pending"
    assert (scene.books(), ledger(scene.db), requests(scene.db)) == ({}, [], [])


def check_bounced(scene: Scene, answer: Json, outcome: str, severity: str, amount: int) -> None:
    """Money came in that the deal does not want: it is to go back, and operators know."""
    payment = answer["razorpay_payment_id"]
    assert (answer["outcome"], answer["status"]) == (outcome, "parked")
    assert ("gateway", "bounced", amount) == ledger(scene.db)[-1]
    assert ("bounce", amount, "requested") == requests(scene.db)[-1]
    assert alerts(scene.db)[-1] == (severity, f"{outcome}:{payment}", 1)
    assert audit(scene.db)[-1] == ("webhook", outcome)
    (row,) = scene.db.query("select * from private.alerts order by id desc limit 1")
    assert (str(row["conversation_id"]), row["kind"]) == (scene.id, outcome)
    assert row["razorpay_payment_id"] == payment
    assert row["event_row_id"] is not None
    assert row["details"]["asked_minor"] == scene.order.amount_minor


# Events that say nothing to us


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read_is_set_aside(scene: Scene, name: str) -> None:
    event = store_event(scene.db, fixture(f"fault.{name}"))
    with scene.db.as_service():
        answer = scene.db.call("process_payment_event", event_row_id=event)
    assert (answer["outcome"], answer["status"]) == ("malformed", "parked")
    assert alerts(scene.db) == [("critical", f"malformed:{event}", 1)]
    assert audit(scene.db) == []
    check_untouched(scene)


@pytest.mark.parametrize("amount", [-1, 0, 1e30, 500_000.5, "500000", None, True, [500_000]])
def test_only_whole_positive_numbers_are_amounts(scene: Scene, amount: Any) -> None:
    answer = scene.tell("payment.captured", payment=payment_entity(scene.order, amount=amount))
    assert (answer["outcome"], answer["status"]) == ("malformed", "parked")
    check_untouched(scene)


@pytest.mark.parametrize(
    ("event_type", "entities"),
    [
        ("payment.captured", ("order",)),
        ("order.paid", ("payment",)),
        ("refund.processed", ("payment",)),
        ("payment.dispute.created", ("payment",)),
    ],
)
def test_an_event_without_its_entity_is_set_aside(
    scene: Scene, event_type: str, entities: tuple[str, ...]
) -> None:
    known = {"payment": payment_entity(scene.order), "order": scene.paid_order()}
    answer = scene.tell(event_type, **{name: known[name] for name in entities})
    assert (answer["outcome"], answer["status"]) == ("malformed", "parked")
    check_untouched(scene)


@pytest.mark.parametrize(
    "name",
    [
        "fault.unknown_event",
        "payment.downtime.started",
        "product.route.activated",
        "settlement.processed",
        "transfer.failed",
        "transfer.processed",
    ],
)
def test_an_event_we_have_no_use_for_is_left(scene: Scene, name: str) -> None:
    answer = take_event(scene.db, fixture(name))
    assert (answer["outcome"], answer["status"]) == ("ignored_event_type", "ignored")
    assert (alerts(scene.db), audit(scene.db)) == ([], [])
    check_untouched(scene)


def test_orders_of_others_on_the_account_are_one_line_each(scene: Scene) -> None:
    body = fixture("fault.unknown_order")
    order = json.loads(body)["payload"]["payment"]["entity"]["order_id"]
    for seen in (1, 2):
        answer = take_event(scene.db, body)
        assert (answer["outcome"], answer["status"]) == ("unknown_order", "parked")
        assert alerts(scene.db) == [("info", f"unknown_order:{order}", seen)]
    assert take_event(scene.db, fixture("fault.no_order_id"))["outcome"] == "unknown_order"
    assert alerts(scene.db)[1] == ("info", "unknown_order:none", 1)
    assert audit(scene.db) == []
    check_untouched(scene)


def test_another_account_is_not_ours(scene: Scene) -> None:
    body = event_body("payment.captured", payment=payment_entity(scene.order))
    answer = take_event(scene.db, body, account_id="acc_Another0000001")
    assert (answer["outcome"], answer["status"]) == ("foreign_account", "parked")
    assert alerts(scene.db) == [("warning", "foreign_account:acc_T3stStudio0001", 1)]
    check_untouched(scene)
    ours = take_event(scene.db, body, account_id="acc_T3stStudio0001")
    assert ours["outcome"] == "applied"


def test_play_money_pays_no_real_deal_and_the_other_way_round(scene: Scene) -> None:
    body = event_body("payment.captured", payment=payment_entity(scene.order))
    answer = take_event(scene.db, body, mode="live")
    assert (answer["outcome"], answer["status"]) == ("mode_mismatch", "parked")
    assert alerts(scene.db) == [("critical", f"mode_mismatch:{scene.order.razorpay_order_id}", 1)]
    assert audit(scene.db) == [("webhook", "mode_mismatch")]
    check_untouched(scene)


def test_an_order_from_before_the_project_went_live_pays_no_real_deal(scene: Scene) -> None:
    payment = payment_entity(scene.order)
    set_setting(scene.db, "payment_mode", "live")
    answer = scene.tell("payment.captured", payment=payment)
    assert (answer["outcome"], answer["status"]) == ("mode_mismatch", "parked")
    assert alerts(scene.db) == [("critical", f"mode_mismatch:{payment['id']}", 1)]
    check_untouched(scene)


# Payments


@pytest.mark.parametrize(
    "name",
    ["order.paid.card", "order.paid.wallet", "payment.captured.card", "payment.captured.upi"],
)
def test_published_samples_pay_the_deal(scene: Scene, name: str) -> None:
    answer = take_event(scene.db, fixture(name))
    assert (answer["outcome"], answer["status"]) == ("applied", "processed")
    assert (scene.state(), scene.books()) == (
        "payment_completed",
        {"captured": AGREED, "held": AGREED},
    )
    assert scene.play.stored()["awaiting_role"] == "influencer"
    assert scene.rows("payment_orders", "status", "id") == [("paid",)]
    assert (alerts(scene.db), audit(scene.db)) == ([], [("webhook", "applied")])


@pytest.mark.parametrize("name", ["payment.authorized.card", "payment.authorized.netbanking"])
def test_an_authorized_payment_is_no_money_whatever_captured_says(scene: Scene, name: str) -> None:
    answer = take_event(scene.db, fixture(name))
    assert (answer["outcome"], answer["status"]) == ("noop", "processed")
    assert scene.rows("payments", "status captured_at", "payment_id") == [("authorized", None)]
    check_untouched(scene)


@pytest.mark.parametrize("name", ["payment.failed.card", "payment.failed.upi"])
def test_a_failed_payment_is_told_and_the_order_stays_open(scene: Scene, name: str) -> None:
    assert take_event(scene.db, fixture(name))["outcome"] == "noop"
    assert scene.steps("payment_failed") == 1
    assert scene.rows("payments", "status", "payment_id") == [("failed",)]
    assert scene.rows("payment_orders", "status", "id") == [("open",)]
    check_untouched(scene)
    # Told once, however often it is sent.
    assert take_event(scene.db, fixture(name))["outcome"] == "noop"
    assert scene.steps("payment_failed") == 1


def test_what_is_not_asked_does_not_matter(scene: Scene) -> None:
    payment = payment_entity(scene.order, notes={"a": "b"}, colour="red", created_at=2079360000)
    assert scene.tell("payment.captured", payment=payment)["outcome"] == "applied"


def test_of_two_equal_keys_the_last_counts(scene: Scene) -> None:
    wrong = event_body("payment.captured", payment=payment_entity(scene.order))
    body = wrong.replace(b'"amount":500000', b'"amount":1,"amount":500000')
    assert body != wrong
    assert take_event(scene.db, body)["outcome"] == "applied"


def test_an_event_may_bring_the_order_that_we_never_heard_of(db: Database, people: Cast) -> None:
    scene = unattached(db, people)
    lost = scene.tell("payment.captured", payment=payment_entity(scene.order, "pay_Lost1"))
    assert lost["outcome"] == "unknown_order"
    foreign = scene.paid_order(receipt="another")
    answer = scene.tell("order.paid", payment=payment_entity(scene.order), order=foreign)
    assert answer["outcome"] == "unknown_order"
    other_price = scene.paid_order(amount=1)
    answer = scene.tell("order.paid", payment=payment_entity(scene.order), order=other_price)
    assert answer["outcome"] == "unknown_order"
    answer = scene.tell("order.paid", payment=payment_entity(scene.order), order=scene.paid_order())
    assert answer["outcome"] == "applied"
    assert scene.rows("payment_orders", "razorpay_order_id status", "id") == [
        (scene.order.razorpay_order_id, "paid")
    ]


def test_a_receipt_of_another_mode_is_not_ours(db: Database, people: Cast) -> None:
    set_setting(db, "payment_mode", "live")
    scene = unattached(db, people)
    body = event_body("order.paid", payment=payment_entity(scene.order), order=scene.paid_order())
    assert take_event(db, body)["outcome"] == "unknown_order"
    assert take_event(db, body, mode="live")["outcome"] == "applied"


def test_a_fee_that_the_payer_bears_comes_on_top(scene: Scene) -> None:
    payment = payment_entity(scene.order, amount=AGREED + 11_800, fee=11_800)
    answer = scene.tell("order.paid", payment=payment, order=scene.paid_order())
    assert answer["outcome"] == "applied"
    assert scene.books() == {"captured": AGREED, "held": AGREED}
    assert ledger(scene.db) == [("gateway", "held", AGREED)]


# Payments that bounce


@pytest.mark.parametrize(
    ("outcome", "severity", "changes"),
    [
        ("underpaid", "warning", {"amount": AGREED - 1}),
        ("amount_mismatch", "critical", {"amount": AGREED + 1}),
        ("amount_mismatch", "critical", {"amount": AGREED + 11_801, "fee": 11_800}),
        ("amount_mismatch", "critical", {"amount": AGREED + 1, "fee": None}),
        ("currency_mismatch", "critical", {"currency": "USD"}),
    ],
)
def test_money_that_is_not_what_was_asked_for_goes_back(
    scene: Scene, outcome: str, severity: str, changes: dict[str, Any]
) -> None:
    payment = payment_entity(scene.order, **changes)
    answer = scene.tell("payment.captured", payment=payment)
    check_bounced(scene, answer, outcome, severity, payment["amount"])
    assert (scene.state(), scene.books()) == ("payment_pending", {})
    assert scene.steps("payment_mismatch") == 1
    assert scene.rows("refunds", "currency", "id") == [(payment["currency"],)]
    # Razorpay takes no second payment on it, so the next press makes a new one.
    assert scene.rows("payment_orders", "status", "id") == [("superseded",)]
    assert "payment_order" not in scene.play.context("brand_owner")["flow_data"]
    with scene.db.signed_in_as(scene.people.bharat):
        renewed = scene.db.call("begin_payment", conversation_id=scene.id)
    assert (renewed["amount_minor"], renewed["razorpay_order_id"]) == (AGREED, None)
    assert renewed["payment_order_id"] != scene.order.payment_order_id


@pytest.mark.parametrize("changes", [{"amount": 400_000}, {"currency": "USD"}])
def test_an_order_that_is_not_what_was_asked_for_goes_back(
    scene: Scene, changes: dict[str, Any]
) -> None:
    answer = scene.tell(
        "order.paid", payment=payment_entity(scene.order), order=scene.paid_order(**changes)
    )
    check_bounced(scene, answer, "amount_mismatch", "critical", AGREED)
    assert scene.state() == "payment_pending"


def test_a_superseded_order_that_is_paid_goes_back(scene: Scene) -> None:
    scene.db.query("update private.conversations set amount_minor = 600000 where id = %s", scene.id)
    with scene.db.signed_in_as(scene.people.bharat):
        scene.db.call("begin_payment", conversation_id=scene.id)
    answer = scene.tell("payment.captured", payment=payment_entity(scene.order))
    check_bounced(scene, answer, "superseded_order", "critical", AGREED)
    assert scene.state() == "payment_pending"
    # The order at the new price is still the one to pay.
    statuses = scene.rows("payment_orders", "amount_minor status", "created_at")
    assert statuses == [(AGREED, "superseded"), (600_000, "open")]


def test_a_second_payment_goes_back(scene: Scene) -> None:
    assert take_event(scene.db, fixture("order.paid.card"))["outcome"] == "applied"
    answer = take_event(scene.db, fixture("fault.second_payment"))
    check_bounced(scene, answer, "double_payment", "critical", AGREED)
    assert scene.books() == {"captured": AGREED, "held": AGREED}
    assert ledger(scene.db)[0] == ("gateway", "held", AGREED)
    assert scene.state() == "payment_completed"
    # The same news in other words changes nothing.
    assert take_event(scene.db, fixture("fault.second_payment"))["outcome"] == "noop"
    assert len(ledger(scene.db)) == 2


@pytest.mark.parametrize(
    "state", ["work_in_progress", "work_submitted", "refund_pending", "real_time"]
)
def test_a_second_payment_goes_back_whatever_the_deal_does(
    lasting_scene: Scene, state: str
) -> None:
    scene = lasting_scene
    payment = scene.pay()
    ways = {"work_in_progress": "I:start_work", "refund_pending": "I:decline_work"}
    ways["work_submitted"] = "I:start_work I:submit_work"
    ways["real_time"] = "I:start_work I:submit_work B:approve_work"
    for step in ways[state].split():
        scene.play.call({"I": "influencer", "B": "brand_owner"}[step[0]], step[2:],
                        scene.play.usual(step[2:]))  # fmt: skip
    answer = scene.tell("payment.captured", payment=payment_entity(scene.order))
    check_bounced(scene, answer, "double_payment", "critical", AGREED)
    assert scene.state() == state
    assert scene.tell("payment.captured", payment=payment)["outcome"] == "noop"


@pytest.mark.parametrize("how", ["ended", "timed out"])
def test_money_for_a_closed_deal_goes_back(db: Database, people: Cast, how: str) -> None:
    scene = open_scene(db, people)
    if how == "ended":
        scene.play.walk("B:end_conversation")
    else:
        deadline = scene.play.stored()["deadline_at"]
        scene.play.let_pass_until(deadline)
    answer = scene.tell("payment.captured", payment=payment_entity(scene.order))
    check_bounced(scene, answer, "captured_after_closed", "critical", AGREED)
    assert (scene.state(), scene.books()) == ("chat_closed", {})


def test_money_that_the_flow_has_no_row_for_waits_for_a_person(scene: Scene) -> None:
    scene.db.query(
        "update private.conversations set flow_state = 'influencer_final_response',"
        " awaiting_role = 'influencer' where id = %s",
        scene.id,
    )
    payment = payment_entity(scene.order)
    answer = scene.tell("payment.captured", payment=payment)
    assert (answer["outcome"], answer["status"]) == ("captured_out_of_flow", "parked")
    assert alerts(scene.db) == [("critical", f"captured_out_of_flow:{payment['id']}", 1)]
    assert audit(scene.db) == [("webhook", "captured_out_of_flow")]
    assert (scene.books(), ledger(scene.db), requests(scene.db)) == ({}, [], [])
    refusal = scene.db.value("select details ->> 'refusal' from private.alerts")
    assert refusal == "FLOW_STATE_INVALID"
    # Once the deal is where it belongs, a replay pays it.
    scene.db.query(
        "update private.conversations set flow_state = 'payment_pending',"
        " awaiting_role = 'brand_owner' where id = %s",
        scene.id,
    )
    (event,) = scene.rows("payment_events", "id", "id")
    with scene.db.signed_in_as(scene.people.omkar):
        replayed = scene.db.call("replay_payment_event", event_row_id=event[0])
    assert (replayed["outcome"], scene.state()) == ("applied", "payment_completed")


def test_a_payment_that_two_events_tell_of_bounces_once(scene: Scene) -> None:
    scene.play.walk("B:end_conversation")
    payment = payment_entity(scene.order)
    first = scene.tell("payment.captured", payment=payment)
    check_bounced(scene, first, "captured_after_closed", "critical", AGREED)
    second = scene.tell("order.paid", payment=payment, order=scene.paid_order())
    assert (second["outcome"], second["status"]) == ("noop", "processed")
    assert len(requests(scene.db)) == len(ledger(scene.db)) == 1


def pay_button(scene: Scene) -> list[Any]:
    """The open action message of the brand owner: what it says, and its actions."""
    (row,) = scene.db.query(
        "select action_data from public.messages where conversation_id = %s"
        " and action_required and not action_completed and visible_to = 'brand_owner'"
        " order by seq desc limit 1",
        scene.id,
    )
    data = row["action_data"]
    return [data["subtitle"], [button["action"] for button in data["buttons"]]]


def offered(scene: Scene) -> list[str]:
    """What the brand owner may do now."""
    return [action["action"] for action in scene.play.available("brand_owner")]


def begin(scene: Scene) -> Any:
    with scene.db.signed_in_as(scene.people.bharat):
        return scene.db.call("begin_payment", conversation_id=scene.id)


def test_a_payment_that_the_bank_approved_says_so_and_pay_is_not_offered_meanwhile(
    scene: Scene,
) -> None:
    assert "proceed_to_payment" in pay_button(scene)[1]
    payment = payment_entity(scene.order, status="authorized", captured=False)
    assert scene.tell("payment.authorized", payment=payment)["outcome"] == "noop"
    says, actions = pay_button(scene)
    assert "approved" in says
    assert "proceed_to_payment" not in actions
    assert "proceed_to_payment" not in offered(scene)
    with scene.db.refused("PAYMENT_NOT_READY", 409):
        begin(scene)
    pressed = {"conversation_id": scene.id, "action": "proceed_to_payment"}
    with scene.db.signed_in_as(scene.people.bharat):
        assert scene.db.call("simulate_action", **pressed)["allowed"] is False
        with scene.db.refused("PAYMENT_NOT_READY", 409):
            scene.db.call("take_action", **pressed)
    assert pay_button(scene) == [says, actions]
    with scene.db.signed_in_as(scene.people.bharat):
        asks = scene.db.call("get_messages", conversation_id=scene.id)[1]["action_data"]
    assert (asks["subtitle"], asks["payment_order"]["receipt"]) == (says, scene.order.receipt)
    captured = {**payment, "status": "captured", "captured": True}
    assert scene.tell("payment.captured", payment=captured)["outcome"] == "applied"


def test_an_approval_after_a_failure_takes_the_retry_away(scene: Scene) -> None:
    failed = payment_entity(scene.order, status="failed", captured=False)
    scene.tell("payment.failed", payment=failed)
    assert pay_button(scene)[1] == ["proceed_to_payment"]
    approved = payment_entity(scene.order, status="authorized", captured=False)
    scene.tell("payment.authorized", payment=approved)
    says, actions = pay_button(scene)
    assert "approved" in says
    assert actions == []
    assert "proceed_to_payment" not in offered(scene)


def failures(scene: Scene) -> int:
    """How often the brand owner was told that a payment did not go through."""
    count: int = scene.db.value(
        "select count(*) from public.messages where conversation_id = %s"
        " and message like 'The payment did not go through.%%'",
        scene.id,
    )
    return count


def test_an_approval_that_ends_in_two_events_is_one_failure(scene: Scene) -> None:
    payment = payment_entity(scene.order, status="authorized", captured=False)
    scene.tell("payment.authorized", payment=payment)
    back = {**payment, "status": "refunded", "amount_refunded": payment["amount"]}
    refund = refund_entity(payment)
    for status in ("created", "processed"):
        scene.tell(f"refund.{status}", refund={**refund, "status": status}, payment=back)
    assert failures(scene) == 1


def test_an_approval_that_a_poll_finds_given_back_offers_pay_again(scene: Scene) -> None:
    payment = payment_entity(scene.order, status="authorized", captured=False)
    scene.tell("payment.authorized", payment=payment)
    back = {**payment, "status": "refunded", "amount_refunded": payment["amount"]}
    for _ in "12":
        with scene.db.as_service():
            scene.db.call(
                "apply_payment_snapshot",
                payment_order_id=scene.order.payment_order_id,
                order_entity=order_entity(scene.order),
                payments=[back],
            )
    assert "proceed_to_payment" in pay_button(scene)[1]
    assert failures(scene) == 1


def test_an_approval_that_comes_to_nothing_offers_pay_again(scene: Scene) -> None:
    payment = payment_entity(scene.order, status="authorized", captured=False)
    scene.tell("payment.authorized", payment=payment)
    refund = refund_entity(payment)
    back = {**payment, "status": "refunded", "amount_refunded": payment["amount"]}
    answer = scene.tell("refund.processed", refund=refund, payment=back)
    assert answer["outcome"] == "uncaptured_refund"
    assert "proceed_to_payment" in pay_button(scene)[1]
    assert "proceed_to_payment" in offered(scene)
    assert begin(scene)["status"] == "open"
