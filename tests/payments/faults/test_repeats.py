"""One payment told of often: in several events, several times, at once, by somebody else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from tests.payments.faults.world import PAYMENT_ID, World, open_client, outcome_of, sample
from tests.support.payments import Json, event_body, payment_entity

CROWD = 16


@pytest.fixture
def rounds(is_long: bool) -> range:
    """How often a race is run."""
    return range(12 if is_long else 3)


def send_at_once(world: World, events: list[tuple[bytes, str]]) -> list[httpx.Response]:
    """Events that arrive at the same moment, each over a connection of its own."""
    start = Barrier(len(events))

    def send(event: tuple[bytes, str]) -> httpx.Response:
        with open_client(world.app.url) as http:
            http.get("/healthz")  # connected, before the start
            start.wait()
            return world.send(*event, http=http)

    with ThreadPoolExecutor(len(events)) as pool:
        return list(pool.map(send, events))


def outcomes_of(answers: list[httpx.Response]) -> list[str]:
    return sorted(outcome_of(answer) for answer in answers)


def bodies(world: World, payment: Json, order: Json) -> list[bytes]:
    """All that Razorpay says of one payment that goes well."""
    return [
        event_body("payment.authorized", payment={**payment, "status": "authorized"}),
        event_body("payment.captured", payment=payment),
        event_body("order.paid", payment=payment, order=order),
    ]


def test_a_paid_order_moves_the_deal_and_both_are_told(world: World) -> None:
    scene = world.scene()
    before = world.context(scene)["last_seq"]
    assert world.tell_sample("order.paid.card") == "applied"
    assert world.events() == [("processed", "applied")]
    assert scene.rows("payments", "payment_id status amount_minor", "payment_id") == [
        (PAYMENT_ID, "captured", 500_000)
    ]
    assert scene.rows("payment_audit", "actor action", "id") == [("webhook", "applied")]
    world.assert_paid_once(scene)
    new = world.db.query(
        "select visible_to from public.messages where conversation_id = %s and seq > %s",
        *(scene.id, before),
    )
    readers = {row["visible_to"] for row in new}
    assert "both" in readers or readers >= {"influencer", "brand_owner"}
    assert world.alerts() == []


def test_the_captured_payment_alone_moves_the_deal_and_the_paid_order_adds_nothing(
    world: World,
) -> None:
    scene = world.scene()
    assert world.tell_sample("payment.captured.card") == "applied"
    world.assert_paid_once(scene)
    assert world.tell_sample("order.paid.card") == "noop"
    assert world.events() == [("processed", "applied"), ("processed", "noop")]
    world.assert_paid_once(scene)
    assert world.alerts() == []


def test_the_same_event_again_is_counted_and_changes_nothing(world: World) -> None:
    scene = world.scene()
    body, signature = sample("order.paid.card")
    seen = []
    for outcome in ("applied", "duplicate", "duplicate"):
        assert outcome_of(world.send(body, "KfYSHMpjAGzrkx", signature=signature)) == outcome
        seen.append(world.context(scene) | {"server_now": None})
    assert seen[0] == seen[1] == seen[2]
    assert scene.rows("payment_events", "event_id deliveries outcome", "id") == [
        ("KfYSHMpjAGzrkx", 3, "applied")
    ]
    assert world.alerts() == []


def test_of_sixteen_copies_at_once_one_moves_the_deal(world: World, rounds: range) -> None:
    for number in rounds:
        scene = world.scene("")
        body = event_body("payment.captured", payment=payment_entity(scene.order))
        answers = send_at_once(world, [(body, f"Copies{number}")] * CROWD)
        late = [answer for answer in answers if answer.status_code == 503]
        for _ in late:  # Razorpay sends again what was not taken
            assert world.tell(body, f"Copies{number}") == "duplicate"
        taken = [answer for answer in answers if answer not in late]
        assert outcomes_of(taken) == ["applied"] + ["duplicate"] * (len(taken) - 1)
        world.assert_paid_once(scene)
        (stored,) = world.db.query(
            "select deliveries from private.payment_events where conversation_id = %s", scene.id
        )
        assert stored["deliveries"] == CROWD + len(late)
    assert world.alerts() == []


def test_different_events_about_one_payment_at_once_move_the_deal_once(
    world: World, rounds: range
) -> None:
    for number in rounds:
        scene = world.scene("")
        said = bodies(world, payment_entity(scene.order), scene.paid_order())
        answers = send_at_once(
            world, [(body, f"At{number}Once{one}") for one, body in enumerate(said * 2)]
        )
        assert outcomes_of(answers) == ["applied"] + ["noop"] * 5
        world.assert_paid_once(scene)
    assert set(world.events()) == {("processed", "applied"), ("processed", "noop")}
    assert world.alerts() == []


def test_the_same_body_under_another_id_is_stored_and_changes_nothing(world: World) -> None:
    scene = world.scene()
    assert world.tell_sample("order.paid.card") == "applied"
    before = world.context(scene) | {"server_now": None}
    assert world.tell_sample("order.paid.card") == "noop"
    assert world.events() == [("processed", "applied"), ("processed", "noop")]
    assert world.context(scene) | {"server_now": None} == before
    assert world.alerts() == []


def test_another_body_under_a_known_id_is_taken_under_its_hash_and_operators_know(
    world: World,
) -> None:
    scene = world.scene()
    failed, _ = sample("payment.failed.upi")
    paid, _ = sample("order.paid.card")
    assert world.tell(failed, "Reused") == "noop"
    assert world.tell(paid, "Reused") == "applied"
    (first,), (second,) = scene.rows("payment_events", "event_id", "id")
    assert first == "Reused"
    assert second.startswith("sha256:")
    world.assert_paid_once(scene)
    assert world.alerts() == [("critical", "event_id_reused")]
    # Each is still known when it comes again.
    assert world.tell(paid, "Reused") == "duplicate"
    assert world.tell(failed, "Reused") == "duplicate"


def test_of_two_keys_of_one_name_the_last_counts(world: World) -> None:
    scene = world.scene()
    body, signature = sample("fault.duplicate_keys")
    assert body.count(b'"event":') == 2
    assert json.loads(body)["event"] == "payment.captured"
    assert outcome_of(world.send(body, signature=signature)) == "applied"
    assert world.db.value("select body from private.payment_events") == body
    world.assert_paid_once(scene)
    assert world.alerts() == []
