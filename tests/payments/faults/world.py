"""The whole product for tests that break it: database, Supabase, app, gateway, and the people."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from prometheus_client.parser import text_string_to_metric_families

from scripts.dev.razorpay_sandbox.client import SandboxClient
from tests.flow.deals import Cast, Play, open_play
from tests.flow.rows import INFLUENCER
from tests.payments.scenes import FIXTURES, Scene
from tests.support.databases import Database
from tests.support.payments import Json, attach_order
from tests.support.stacks import Stack
from tests.webhooks.events import CURRENT, PATH, SIGNATURES, sign
from tests.webhooks.support import Gunicorn

# The order of the published samples.
ORDER_ID = "order_CnvPay00000001"
PAYMENT_ID = "pay_CnvPay0000001A"
PATIENCE = 20.0
STATE = "payment_pending with an order"

# The tables of deals and events, and all that refer to them.
TABLES = """
with recursive emptied (id) as (
  select unnest(array['private.conversations', 'public.conversation_events',
    'private.payment_events', 'private.payment_audit', 'private.alerts']::regclass[])
  union
  select f.conrelid from emptied as e
  join pg_constraint as f on f.contype = 'f' and f.confrelid = e.id
)
select c.oid::regclass::text as name from emptied as e
join pg_class as c on c.oid = e.id and not c.relispartition
order by 1
"""


@dataclass(frozen=True)
class World:
    """What runs, and who is there; `tokens` are their access tokens."""

    stack: Stack
    db: Database
    app: Gunicorn
    sandbox: SandboxClient
    http: httpx.Client
    supabase: httpx.Client
    people: Cast
    tokens: Mapping[uuid.UUID, str]
    forget: str

    # What people do

    def play(self, state: str = STATE, kind: str = "bid") -> Play:
        """A deal in this state, that Razorpay knows nothing of."""
        return open_play(self.db, self.people, kind, state)

    def scene(self, order_id: str = ORDER_ID) -> Scene:
        """A deal of ₹5,000 that waits for its payment; Razorpay has its order, by this id."""
        play = self.play()
        return Scene(self.db, self.people, play, attach_order(self.db, play.id, order_id))

    def ask(self, who: uuid.UUID | None, path: str, body: Any = None) -> httpx.Response:
        """Somebody posts to the app; None: without a token."""
        token = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        return self.http.post(path, headers=token, json={} if body is None else body)

    def press(self, play: Play, who: uuid.UUID | None = None) -> httpx.Response:
        """The brand owner (or somebody else) presses Pay."""
        return self.ask(who or self.people.bharat, f"/v1/conversations/{play.id}/payment-order")

    def checkout(self, play: Play) -> str:
        """The brand owner presses Pay, and the checkout opens; Razorpay's order."""
        answer = self.press(play)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["razorpay_config"]["order_id"])

    def open_chat(self, play: Play | Scene, who: uuid.UUID | None = None) -> Json:
        """Somebody opens a deal that waits for its payment; what the app says."""
        who = who or self.people.asha
        answer = self.ask(who, f"/v1/conversations/{play.id}/payment-refresh")
        assert answer.status_code == 200, answer.text
        said: Json = answer.json()
        return said

    # What Razorpay does

    def send(
        self,
        body: bytes,
        event_id: str | None = None,
        *,
        signature: bytes | str | None = None,
        http: httpx.Client | None = None,
    ) -> httpx.Response:
        """An event comes, well signed unless said otherwise, with an id unless it is empty."""
        given = sign(body) if signature is None else signature
        headers = [(b"X-Razorpay-Signature", given if isinstance(given, bytes) else given.encode())]
        if event_id != "":
            headers.append((b"X-Razorpay-Event-Id", (event_id or uuid.uuid4().hex).encode()))
        return (http or self.http).post(PATH, content=body, headers=headers)

    def tell(self, body: bytes, event_id: str | None = None) -> str:
        """An event comes and is taken; its outcome."""
        return outcome_of(self.send(body, event_id))

    def tell_sample(self, name: str, slot: str = "current") -> str:
        """A published sample comes, with its recorded signature; its outcome."""
        body, signature = sample(name, slot)
        return outcome_of(self.send(body, signature=signature))

    def pay(self, order_id: str, **how: str) -> str:
        """The customer pays at Razorpay, and the webhooks come; the payment."""
        payment: str = self.sandbox.pay(order_id, **how)["razorpay_payment_id"]
        self.arrives(payment)
        return payment

    def arrives(self, subject: str) -> None:
        """Return when all of Razorpay's events about this id were taken."""
        self.sandbox.wait_until_delivered(subject)

    @contextmanager
    def lost_webhooks(self) -> Iterator[None]:
        """Razorpay's events do not come, as when it has switched the webhook off."""
        self.sandbox.switches(webhooks={"lose": 1000})
        try:
            yield
        finally:
            self.sandbox.switches(webhooks={"lose": 0})

    def pay_unnoticed(self, order_id: str) -> Json:
        """The customer pays, and no webhook comes; what checkout hands to the page."""
        with self.lost_webhooks():
            paid = self.sandbox.pay(order_id)
            told = self.sandbox.deliveries(until=paid["razorpay_payment_id"])
        assert {event["state"] for event in told["events"]} == {"lost"}
        return paid

    # What there is to see

    def context(self, play: Play | Scene, who: uuid.UUID | None = None) -> Json:
        """The conversation as the brand owner (or somebody else) gets it over REST."""
        who = who or self.people.bharat
        context: Json = self.rpc(
            "get_conversation_context", self.tokens[who], conversation_id=play.id
        )
        return context

    def rpc(self, function: str, token: str, /, **arguments: Any) -> Any:
        """Call a function over REST, as whoever has this token."""
        answer = self.supabase.post(
            f"/rest/v1/rpc/{function}",
            headers={"apikey": self.stack.anon_key, "Authorization": f"Bearer {token}"},
            json=arguments,
        )
        answer.raise_for_status()
        return answer.json()

    def state(self, play: Play | Scene) -> str:
        """Where the brand owner sees the deal."""
        state: str = self.context(play)["flow_state"]
        return state

    def alerts(self) -> list[tuple[str, str]]:
        """What the operators' list has: how grave, and of which kind; the oldest first."""
        return [(alert["severity"], alert["kind"]) for alert in reversed(self.alert_rows())]

    def alert_rows(self) -> list[Json]:
        """The operators' list, as the app gives it to one, the newest first."""
        token = self.tokens[self.people.omkar]
        answer = self.http.get("/v1/ops/alerts", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        rows: list[Json] = answer.json()
        return rows

    def events(self) -> list[tuple[str, str | None]]:
        """What is stored: status and outcome of each event, in order of arrival."""
        stored = self.db.query("select status, outcome from private.payment_events order by id")
        return [(row["status"], row["outcome"]) for row in stored]

    def count(self, name: str, http: httpx.Client | None = None, **labels: str) -> float:
        """A number of the app's metrics; 0 while there is none."""
        text = (http or self.http).get("/metrics").text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    @contextmanager
    def counts(
        self, name: str, by: int = 1, http: httpx.Client | None = None, **labels: str
    ) -> Iterator[None]:
        """Expect the block to be counted so often."""
        before = self.count(name, http, **labels)
        yield
        assert self.count(name, http, **labels) - before == by, (name, labels)

    def assert_nothing_happened(self, play: Play | Scene | None = None) -> None:
        """Nothing is stored or booked, and the deal still waits for its payment."""
        assert self.events() == []
        assert self.alerts() == []
        assert self.db.value("select count(*) from private.payments") == 0
        if play is not None:
            assert self.state(play) == "payment_pending"

    def assert_paid_once(self, scene: Play | Scene, amount: int = 500_000) -> None:
        """The deal was paid once: in its state, its books and what both sides read."""
        context = self.context(scene)
        assert context["flow_state"] == "payment_completed"
        assert context["awaiting_role"] == INFLUENCER
        assert context["escrow"]["held_minor"] == amount
        entries = self.db.query(
            "select from_account, to_account, amount_minor from private.escrow_ledger"
            " where conversation_id = %s and to_account = 'held'",
            scene.id,
        )
        assert [tuple(row.values()) for row in entries] == [("gateway", "held", amount)]
        steps = self.db.value(
            "select count(*) from public.conversation_events"
            " where conversation_id = %s and from_state = 'payment_pending'"
            " and to_state = 'payment_completed'",
            scene.id,
        )
        assert steps == 1

    def empty(self) -> None:
        """Forget all deals and events; the people stay."""
        self.sandbox.reset_switches()
        self.sandbox.set_webhook_secret(CURRENT)
        while True:
            try:
                self.db.query_as_superuser(self.forget)
            except psycopg.errors.DeadlockDetected:  # a round of refunds was still at work
                continue
            return


def write_forget(db: Database) -> str:
    """What empties the tables of deals, without `truncate`, after which everybody plans anew."""
    names = [row["name"] for row in db.query(TABLES)]
    deletes = ", ".join(f"d{number} as (delete from {name})" for number, name in enumerate(names))  # noqa: S608
    # Triggers keep the books from being emptied; between two tests they have to be.
    return (
        f"set local session_replication_role = replica;"
        f" lock table {', '.join(names)} in share row exclusive mode; with {deletes} select"
    )


def open_client(url: str) -> httpx.Client:
    """A client that forgets idle connections before gunicorn ends them (after 5 seconds)."""
    limits = httpx.Limits(keepalive_expiry=1)
    return httpx.Client(base_url=url, timeout=PATIENCE, limits=limits)


def outcome_of(answer: httpx.Response) -> str:
    """What an event that was taken came to."""
    assert answer.status_code == 200, answer.text
    (outcome,) = answer.json().values()
    return str(outcome)


def sample(name: str, slot: str = "current") -> tuple[bytes, str]:
    """The bytes of a published sample, or of one that is wrong on purpose, and its signature."""
    file = f"{name}.json"
    return (FIXTURES / file).read_bytes(), SIGNATURES["files"][file][slot]


def changed(name: str, change: Mapping[str, Any], *path: str) -> bytes:
    """A sample with other fields in the entity at the path below `payload`."""
    event = json.loads(sample(name)[0])
    place = event["payload"]
    for key in path:
        place = place[key]
    place["entity"] |= change
    return json.dumps(event).encode()
