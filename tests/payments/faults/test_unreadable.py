"""Events that are authentic and cannot be read, or are about nothing that is used here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.payments.faults.world import World, changed, outcome_of, sample
from tests.support.payments import ACCOUNT

CAPTURED: dict[str, Any] = json.loads(sample("payment.captured.upi")[0])


def captured(**changes: Any) -> bytes:
    """The sample of a captured payment with other fields."""
    return changed("payment.captured.upi", changes, "payment")


def assert_set_aside(world: World, bodies: Sequence[bytes]) -> None:
    """Of each the bytes are kept for a person, and nothing is believed of them."""
    scene = world.scene()
    for body in bodies:
        assert world.tell(body) == "malformed", body
    stored = scene.rows("payment_events", "status outcome body", "id")
    assert stored == [("parked", "malformed", body) for body in bodies]
    assert world.alerts() == [("critical", "malformed")] * len(bodies)
    assert scene.rows("payments", "payment_id", "payment_id") == []
    assert world.state(scene) == "payment_pending"


def test_what_is_signed_and_is_no_event_is_set_aside(world: World) -> None:
    published = [sample(f"fault.{name}")[0] for name in ("not_json", "truncated", "array_top")]
    no_utf8 = sample("payment.captured.upi")[0].replace(b"pay_", b"\xff\xfe")
    assert_set_aside(world, [*published, no_utf8, b"null", b"[" * 100_000])


def test_a_nul_in_the_customers_notes_is_set_aside_and_found_when_the_chat_is_opened(
    world: World,
) -> None:
    play = world.play()
    order_id = world.checkout(play)
    payment_id = world.pay_unnoticed(order_id)["razorpay_payment_id"]
    body = captured(id=payment_id, order_id=order_id, notes={"a": "\x00"})
    assert b"\\u0000" in body
    assert world.tell(body) == "malformed"
    assert world.events() == [("parked", "malformed")]
    assert world.alerts() == [("critical", "malformed")]
    assert world.state(play) == "payment_pending"
    assert world.open_chat(play)["outcome"] == "applied"
    world.assert_paid_once(play)


def test_the_published_mistakes_are_set_aside(world: World) -> None:
    names = ("nul_in_notes", "amount_string", "amount_float", "payload_list")
    assert_set_aside(world, [sample(f"fault.{name}")[0] for name in names])


def test_an_amount_that_is_no_whole_number_of_paise_is_set_aside(world: World) -> None:
    fractions = (5000.5, 500000.0001)
    amounts: list[Any] = [*fractions, "500000", -1, -500000, 1e30, 2**63, True, None, [500000], {}]
    assert_set_aside(world, [captured(amount=amount) for amount in amounts])


def test_an_event_without_what_it_is_about_is_set_aside(world: World) -> None:
    changes: list[dict[str, Any]] = [
        {"payload": []},
        {"payload": {}},
        {"payload": None},
        {"payload": {"payment": {}}},
        {"payload": {"payment": {"entity": None}}},
        {"payload": {"payment": {"entity": []}}},
        {"event": None},
        {"event": 5},
        {"event": "order.paid"},
        {"event": "refund.processed"},
        {"event": "payment.dispute.lost"},
    ]
    assert_set_aside(world, [json.dumps(CAPTURED | change).encode() for change in changes])


def test_a_payment_with_a_field_of_another_kind_is_set_aside(world: World) -> None:
    fields = ("id", "amount", "currency", "status")
    values: tuple[Any, ...] = (None, 5.5, [], {}, "")
    assert_set_aside(world, [captured(**{one: value}) for one in fields for value in values])


def test_an_event_that_is_not_used_is_kept_and_ignored(world: World) -> None:
    scene = world.scene()
    bodies = []
    for name in (
        "fault.unknown_event",
        "payment.downtime.started",
        "settlement.processed",
        "transfer.processed",
        "transfer.failed",
        "product.route.under_review",
        "product.route.needs_clarification",
        "product.route.activated",
    ):
        body, signature = sample(name)
        assert outcome_of(world.send(body, signature=signature)) == "ignored_event_type", name
        bodies.append(body)
    assert scene.rows("payment_events", "status outcome body", "id") == [
        ("ignored", "ignored_event_type", body) for body in bodies
    ]
    assert world.alerts() == []
    assert world.state(scene) == "payment_pending"


def test_an_order_that_is_none_of_ours_is_one_line_for_operators_however_often_it_comes(
    world: World,
) -> None:
    scene = world.scene()
    assert world.tell_sample("fault.unknown_order") == "unknown_order"
    assert world.tell_sample("fault.unknown_order", "previous") == "unknown_order"
    assert world.events() == [("parked", "unknown_order")] * 2
    (alert,) = world.alert_rows()
    assert (alert["severity"], alert["kind"], alert["seen"]) == ("info", "unknown_order", 2)
    assert world.state(scene) == "payment_pending"


def test_a_payment_without_an_order_is_none_of_ours(world: World) -> None:
    scene = world.scene()
    assert world.tell_sample("fault.no_order_id") == "unknown_order"
    assert world.events() == [("parked", "unknown_order")]
    assert world.alerts() == [("info", "unknown_order")]
    assert world.state(scene) == "payment_pending"


def test_what_another_account_sends_is_set_aside(world: World) -> None:
    scene = world.scene()
    body = sample("order.paid.card")[0].replace(ACCOUNT.encode(), b"acc_SomebodyElse01")
    assert world.tell(body) == "foreign_account"
    assert world.events() == [("parked", "foreign_account")]
    assert world.alerts() == [("warning", "foreign_account")]
    assert world.state(scene) == "payment_pending"
    assert scene.rows("payments", "payment_id", "payment_id") == []


def test_an_event_of_ten_years_ahead_is_as_good_as_any(world: World) -> None:
    scene = world.scene()
    event = CAPTURED | {"created_at": 2_079_360_000}
    assert world.tell(json.dumps(event).encode()) == "applied"
    world.assert_paid_once(scene)
    assert world.alerts() == []


def test_fields_that_nobody_knows_change_nothing(world: World) -> None:
    scene = world.scene()
    event = json.loads(captured(new_field={"deep": [1, None, "x"]}, status_reason="ok"))
    event |= {"livemode": True, "trace": "x" * 5000}
    body = json.dumps(event).encode()
    assert world.tell(body) == "applied"
    assert world.db.value("select body from private.payment_events") == body
    world.assert_paid_once(scene)
    assert world.alerts() == []
