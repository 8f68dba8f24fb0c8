"""Signed events that are not quite right: none completes a deal, and none is answered with 5xx."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.payments.faults.world import ORDER_ID, World, sample
from tests.support.payments import ACCOUNT

SAMPLES = {
    name: json.loads(sample(name)[0])
    for name in (
        "order.paid.card",
        "order.paid.wallet",
        "payment.captured.card",
        "payment.captured.upi",
        "payment.captured.netbanking",
        "payment.captured.wallet",
    )
}
# Whoever changes one of these says something else about the money; the rest is decoration.
MEANING = {
    ("account_id",),
    ("event",),
    ("payload",),
    ("payload", "payment"),
    ("payload", "payment", "entity"),
    *(
        ("payload", "payment", "entity", field)
        for field in ("id", "amount", "currency", "status", "order_id", "amount_refunded", "fee")
    ),
    ("payload", "order"),
    ("payload", "order", "entity"),
    *(("payload", "order", "entity", field) for field in ("id", "amount", "currency")),
}

exhaustive = hypothesis_settings(
    derandomize=True,
    deadline=None,
    # The world is the same for all examples; each begins with a deal that waits.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["captured", "paid", "INR", "USD", "order.paid", ORDER_ID, "\x00", "500000"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def paths(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to every key of an object and of those in it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*above, key)
            yield from paths(inner, (*above, key))


def put(event: Any, path: tuple[str, ...], value: Any) -> Any:
    """The event with another value at a place."""
    event = copy.deepcopy(event)
    place = event
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return event


def look(event: Any, path: tuple[str, ...]) -> Any:
    """What an event has at a place; None where it has nothing."""
    for key in path:
        event = event.get(key) if isinstance(event, dict) else None
    return event


def means_the_same(event: Any, name: str) -> bool:
    """Whether an event still says that the whole price came in for the order."""
    original = SAMPLES[name]
    if not isinstance(event, dict) or event.get("event") not in (
        "order.paid",
        "payment.captured",
        "payment.authorized",
        "payment.failed",
    ):
        return False
    if event["event"] == "order.paid" and look(event, ("payload", "order", "entity")) is None:
        return False
    if event.get("account_id") not in (None, ACCOUNT):
        return False
    payment = look(event, ("payload", "payment", "entity"))
    wanted = look(original, ("payload", "payment", "entity"))
    if not isinstance(payment, dict):
        return False
    is_the_price = payment.get("amount") == wanted["amount"] and isinstance(
        payment.get("amount"), int | float
    )
    return is_the_price and all(
        payment.get(field) == wanted[field] for field in ("currency", "status", "order_id")
    )


def send(world: World, body: bytes) -> httpx.Response:
    """A signed event; the answer, which is never an error of ours."""
    answer = world.send(body, uuid.uuid4().hex)
    assert answer.status_code == 200, (answer.status_code, answer.text, body)
    return answer


class Waiting:
    """A deal that waits for its payment, and a new one whenever that one was paid."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scene = world.scene()

    def is_paid(self) -> bool:
        """Whether the deal has moved on."""
        state = self.world.db.value(
            "select flow_state from private.conversations where id = %s", self.scene.id
        )
        return bool(state != "payment_pending")

    def renew(self) -> None:
        """Begin anew where anything was believed; what was set aside changes nothing."""
        if self.world.db.value("select exists (select from private.payments)"):
            self.world.empty()
            self.scene = self.world.scene()
        assert not self.is_paid()


@pytest.fixture
def waiting(world: World) -> Waiting:
    """The published samples are about its order."""
    return Waiting(world)


@exhaustive
@given(data=st.data(), name=st.sampled_from(sorted(SAMPLES)))
def test_a_signed_event_with_other_values_completes_a_deal_only_when_it_means_the_same(
    waiting: Waiting, data: st.DataObject, name: str
) -> None:
    waiting.renew()
    original = SAMPLES[name]
    places = sorted(paths(original))
    told = sorted(path for path in places if path in MEANING)
    path = data.draw(st.sampled_from(told) | st.sampled_from(places))
    value = data.draw(values)
    assume(look(original, path) != value)
    event = put(original, path, value)
    answer = send(waiting.world, json.dumps(event).encode())
    assert waiting.is_paid() == (answer.json()["outcome"] == "applied")
    if waiting.is_paid():
        assert means_the_same(event, name), (path, value)
        assert waiting.scene.books() == {"captured": 500_000, "held": 500_000}


@exhaustive
@given(
    name=st.sampled_from(sorted(SAMPLES)),
    place=st.integers(0, 4000),
    byte=st.integers(1, 255),
    cut=st.booleans(),
)
def test_a_signed_event_with_another_byte_completes_a_deal_only_when_it_means_the_same(
    waiting: Waiting, name: str, place: int, byte: int, cut: bool
) -> None:
    waiting.renew()
    body, _ = sample(name)
    place %= len(body)
    wrong = body[:place] + (b"" if cut else bytes([body[place] ^ byte]) + body[place + 1 :])
    answer = send(waiting.world, wrong)
    assert waiting.is_paid() == (answer.json()["outcome"] == "applied")
    if waiting.is_paid():
        assert means_the_same(json.loads(wrong), name), wrong
        assert waiting.scene.books() == {"captured": 500_000, "held": 500_000}
