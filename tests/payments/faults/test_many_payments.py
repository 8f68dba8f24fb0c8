"""Many payments at once, told of in every way and order: each deal advances exactly once."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import httpx
import jwt
import psycopg
import pytest

from scripts.benchmarks.events import make_unpaid_deals
from tests.payments.faults.world import World, open_client
from tests.support.payments import Json, Order, event_body, made_up_id, payment_entity
from tests.webhooks.support import user_claims

COPIES = 3
THREADS = 8
PAIRS = 5
AGREED = 500_000
# A client that was served as often as gunicorn's workers serve, or met one that ends, comes again.
TRIES = 5
HUNG_UP = 0


@dataclass(frozen=True)
class Crowd:
    """How many payments there are; of how many the browser speaks while the webhooks come."""

    payments: int
    with_browser: int


SHORT = Crowd(payments=15, with_browser=5)
# Some 12,000 webhooks.
LONG = Crowd(payments=1_000, with_browser=100)


@dataclass(frozen=True)
class Sold:
    """A deal, who pays it, its order, and the payment that goes through."""

    order: Order
    payer: uuid.UUID
    payment: Json
    # What checkout handed to the browser, where there is one.
    checkout: Json | None = None

    def events(self) -> Iterator[tuple[bytes, str]]:
        """All that Razorpay says of it: an attempt that failed, and one that did not."""
        failed = self.payment | {"id": made_up_id("pay"), "status": "failed"}
        failed |= {"error_code": "BAD_REQUEST_ERROR", "error_description": "It was declined."}
        paid = {"id": self.order.razorpay_order_id, "amount": AGREED, "currency": "INR"}
        for body in (
            event_body("payment.failed", payment=failed),
            event_body("payment.authorized", payment=self.payment | {"status": "authorized"}),
            event_body("payment.captured", payment=self.payment),
            event_body("order.paid", payment=self.payment, order=paid),
        ):
            yield body, uuid.uuid4().hex


@pytest.fixture
def crowd(is_long: bool) -> Crowd:
    """A few payments, or the full thousand."""
    return LONG if is_long else SHORT


@pytest.fixture
def sold(world: World, crowd: Crowd) -> list[Sold]:
    """Deals of several people that wait for their payments."""
    people = [
        [world.db.create_user(f"{role} {uuid.uuid4().hex}") for role in ("Asha", "Bharat")]
        for _ in range(PAIRS)
    ]
    for asha, bharat in people:
        for user, role in ((asha, "influencer"), (bharat, "brand_owner")):
            with world.db.signed_in_as(user):
                world.db.call("complete_profile", role=role, display_name=role)
    with ThreadPoolExecutor(PAIRS) as pool:
        made = [
            pool.submit(make_unpaid_deals, world.db.dsn(), asha, bharat, crowd.payments // PAIRS)
            for asha, bharat in people
        ]
        for each in made:
            each.result()
    waiting = world.db.query(
        "select o.id::text, o.conversation_id::text, o.receipt, c.brand_owner_id"
        " from private.payment_orders as o"
        " join private.conversations as c on c.id = o.conversation_id order by o.created_at, o.id"
    )
    assert len(waiting) == crowd.payments
    found = []
    for number, row in enumerate(waiting):
        has_browser = number < crowd.with_browser
        paid = _pay(world, row["brand_owner_id"], row["conversation_id"]) if has_browser else None
        order_id = paid["razorpay_order_id"] if paid else made_up_id("order")
        order = Order(row["id"], row["conversation_id"], row["receipt"], order_id, AGREED)
        payment = payment_entity(order, paid["razorpay_payment_id"] if paid else "")
        found.append(Sold(order, row["brand_owner_id"], payment, paid))
    with psycopg.connect(world.db.dsn()) as connection:
        connection.cursor().executemany(
            "update private.payment_orders set razorpay_order_id = %s where id = %s",
            [(one.order.razorpay_order_id, one.order.payment_order_id) for one in found],
        )
    return found


def _token(world: World, user: uuid.UUID) -> str:
    claims = user_claims(world.stack.api_url, sub=str(user))
    return jwt.encode(claims, world.stack.jwt_secret, algorithm="HS256")


def _pay(world: World, payer: uuid.UUID, conversation_id: str) -> Json:
    """The payer presses Pay and pays, and no webhook comes of it."""
    answer = world.http.post(
        f"/v1/conversations/{conversation_id}/payment-order",
        headers={"Authorization": f"Bearer {_token(world, payer)}"},
    )
    assert answer.status_code == 200, answer.text
    return world.pay_unnoticed(answer.json()["razorpay_config"]["order_id"])


class Senders:
    """What threads send over connections of their own, and how they were answered."""

    def __init__(self, world: World, http: httpx.Client) -> None:
        self.world = world
        self.answers: Counter[tuple[int, str]] = Counter()
        self._http = http
        self._lock = threading.Lock()

    def send(self, event: tuple[bytes, str]) -> None:
        """Send an event until it is taken, as Razorpay does."""
        for _ in range(TRIES):
            try:
                answer = self.world.send(*event, http=self._http)
            except httpx.TransportError:  # the worker had served enough, and has ended
                self._note(HUNG_UP, "")
                continue
            self._note(answer.status_code, str(answer.json().get("outcome")))
            if answer.status_code == 200:
                return
        raise AssertionError(f"not taken: {self.answers}")

    def confirm(self, one: Sold) -> None:
        """The browser says that checkout succeeded."""
        answer = self._http.post(
            f"/v1/conversations/{one.order.conversation_id}/payment-callback",
            headers={"Authorization": f"Bearer {_token(self.world, one.payer)}"},
            json=one.checkout,
        )
        self._note(answer.status_code, "confirmed")

    def _note(self, status: int, what: str) -> None:
        with self._lock:
            self.answers[status, what] += 1


def test_of_many_payments_told_of_in_every_way_each_moves_its_deal_once(
    world: World, crowd: Crowd, sold: list[Sold]
) -> None:
    pick = random.Random(20261122)  # noqa: S311
    with (
        open_client(world.app.url) as http,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        senders = Senders(world, http)
        work = [
            partial(senders.send, event)
            for one in sold
            for event in one.events()
            for _ in range(COPIES)
        ]
        work += [partial(senders.confirm, one) for one in sold if one.checkout] * COPIES
        pick.shuffle(work)
        for done in [pool.submit(act) for act in work]:
            done.result()
    assert {status for status, _ in senders.answers} <= {200, HUNG_UP}, senders.answers
    states = world.db.query(
        "select flow_state, held_minor, captured_minor, count(*) from private.conversations"
        " group by 1, 2, 3"
    )
    assert [tuple(row.values()) for row in states] == [
        ("payment_completed", AGREED, AGREED, crowd.payments)
    ]
    steps = world.db.query(
        "select count(*) as n from public.conversation_events where to_state = 'payment_completed'"
        " and from_state = 'payment_pending' group by conversation_id"
    )
    assert [row["n"] for row in steps] == [1] * crowd.payments
    ledger = world.db.query(
        "select from_account, to_account, sum(amount_minor)::bigint as amount, count(*) as n"
        " from private.escrow_ledger group by 1, 2"
    )
    assert [tuple(row.values()) for row in ledger] == [
        ("gateway", "held", crowd.payments * AGREED, crowd.payments)
    ]
    events = world.db.query(
        "select status, count(*) as n, sum(deliveries) as sent from private.payment_events"
        " group by 1"
    )
    (row,) = events
    assert (row["status"], row["n"]) == ("processed", crowd.payments * 4)
    assert row["sent"] >= crowd.payments * 4 * COPIES
    assert world.alerts() == []
    assert world.db.value("select count(*) from private.refunds") == 0
    assert world.count("parley_ledger_balance_minor") == 0
    assert world.count("parley_events_stuck") == 0
