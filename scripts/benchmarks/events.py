"""Row 14 over HTTP: signed events into the app, on a local Supabase started for it.

Client, app, Supabase and Postgres share the machine. Razorpay waits five seconds for an answer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil
import psycopg

from scripts.benchmarks.compare import Row
from scripts.benchmarks.database import ROOT, BenchmarkError
from scripts.benchmarks.stack import Stack, running_stack
from scripts.benchmarks.world import SQL, Size
from scripts.dev.local_supabase.config import LOOPBACK, database_url
from scripts.dev.local_supabase.ports import free_port
from scripts.dev.local_supabase.postgres import SUPERUSER

CONNECTIONS = 16
# Events that the app is sent, and how many deals they are about.
EVENTS = {"smoke": 120, "quick": 1_000, "normal": 5_000, "long": 5_000}
EVENTS_A_DEAL = 20
KINDS = ("payment.failed", "payment.authorized", "payment.captured", "order.paid")
TAIL_MS = 150
START_SECONDS = 30.0
SECRET = "webhook-secret-of-the-benchmark"  # noqa: S105  of an app that serves nobody
PRICE = 500_000


@dataclass(frozen=True)
class Load:
    """The results: seconds of each answer, sorted, and bytes of the app's memory."""

    took: Sequence[float]
    seconds: float
    failures: int
    memory_before: int
    memory_after: int

    def at(self, part: float) -> float:
        """The milliseconds within which this part of the answers came."""
        return self.took[min(len(self.took) - 1, int(len(self.took) * part))] * 1000


def measure_events(size: Size) -> list[Row]:
    """Send all events over 16 connections, each waiting for its answer; the answers' times.

    Raises:
        BenchmarkError: a server did not start, or a deal did not come where its events lead.
    """
    count = EVENTS[size.name]
    with running_stack() as stack:
        deals = _make_deals(stack.db_port, count // EVENTS_A_DEAL)
        with _running_app(stack) as (process, url):
            load = _send(process, url, _events(deals, count))
        _check(stack.db_port, len(deals))
    memory = f"{load.memory_before / 2**20:.0f} to {load.memory_after / 2**20:.0f} MB"
    found = (
        f"{count / load.seconds:,.0f}/s, p50 {load.at(0.5):.0f} ms, p99 {load.at(0.99):.0f} ms,"
        f" max {load.at(1):.0f} ms, {load.failures} failed, memory {memory}"
    )
    return [
        Row(
            "14",
            f"{count:,} webhooks over HTTP, {CONNECTIONS} connections",
            gate=f"none failed, p99 < {TAIL_MS} ms",
            met=load.failures == 0 and load.at(0.99) < TAIL_MS,
            more=found,
        )
    ]


def make_unpaid_deals(dsn: str, influencer: uuid.UUID, brand_owner: uuid.UUID, count: int) -> None:
    """Make deals of these two, who have their profiles, that wait for a payment of ₹5,000."""
    with psycopg.connect(dsn) as connection:
        connection.execute((SQL / "unpaid_deals.sql").read_bytes())
        connection.execute(
            "select pg_temp.make_unpaid_deal(%s, %s) from generate_series(1, %s::integer)",
            (influencer, brand_owner, count),
        )


def _make_deals(port: int, count: int) -> list[str]:
    """Razorpay's orders of so many unpaid deals, each made up."""
    dsn = database_url(SUPERUSER, port)
    people = uuid.uuid4(), uuid.uuid4()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(b"update private.settings set value = 'null' where key like 'rate\\_%'")
        for user, role in zip(people, ("influencer", "brand_owner"), strict=True):
            connection.execute("insert into auth.users (id) values (%s)", [user])
            connection.execute(
                "select set_config('request.jwt.claims', %s, true),"
                " public.complete_profile(%s, %s)",
                [json.dumps({"sub": str(user)}), role, role],
            )
        make_unpaid_deals(dsn, *people, count)
        orders = connection.execute(
            "update private.payment_orders"
            " set razorpay_order_id = 'order_' || left(replace(id::text, '-', ''), 14)"
            " returning razorpay_order_id"
        ).fetchall()
    return [order for (order,) in orders]


def _events(orders: Sequence[str], count: int) -> list[tuple[bytes, dict[str, str]]]:
    """Signed bodies and their headers, in the order in which they are sent."""
    events = []
    for number in range(count):
        order, kind = orders[number % len(orders)], KINDS[number // len(orders) % len(KINDS)]
        body = _body(order, kind)
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        events.append(
            (body, {"X-Razorpay-Signature": signature, "X-Razorpay-Event-Id": uuid.uuid4().hex})
        )
    # The same in each run.
    random.Random(1).shuffle(events)  # noqa: S311
    return events


def _body(order_id: str, kind: str) -> bytes:
    status = "captured" if kind == "order.paid" else kind.removeprefix("payment.")
    prefix = "pay_F" if status == "failed" else "pay_P"
    payment = {
        "id": prefix + order_id.removeprefix("order_")[1:],
        "amount": PRICE,
        "currency": "INR",
        "status": status,
        "order_id": order_id,
    }
    payload = {"payment": {"entity": payment}}
    if kind == "order.paid":
        payload["order"] = {"entity": {"id": order_id, "amount": PRICE, "currency": "INR"}}
    return json.dumps({"event": kind, "payload": payload}).encode()


def _send(
    process: psutil.Process, url: str, events: Sequence[tuple[bytes, dict[str, str]]]
) -> Load:
    def send(event: tuple[bytes, dict[str, str]]) -> tuple[float, bool]:
        body, headers = event
        began = time.perf_counter()
        try:
            answer = http.post("/v1/webhooks/razorpay", content=body, headers=headers)
        except httpx.TransportError:
            return time.perf_counter() - began, False
        return time.perf_counter() - began, answer.status_code == 200

    limits = httpx.Limits(max_connections=CONNECTIONS)
    with (
        httpx.Client(base_url=url, timeout=30, limits=limits, trust_env=False) as http,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        before = _memory(process)
        began = time.perf_counter()
        answers = list(pool.map(send, events))
        seconds = time.perf_counter() - began
        after = _memory(process)
    failures = sum(not was_taken for _, was_taken in answers)
    return Load(sorted(took for took, _ in answers), seconds, failures, before, after)


def _memory(process: psutil.Process) -> int:
    """Bytes that the app's processes hold in memory, without what they share."""
    return sum(one.memory_full_info().uss for one in process.children())


def _check(port: int, deals: int) -> None:
    with psycopg.connect(database_url(SUPERUSER, port)) as connection:
        (paid,) = connection.execute(
            "select count(*) from private.conversations"
            " where flow_state = 'payment_completed' and held_minor = %s",
            [PRICE],
        ).fetchone() or (0,)
    if paid != deals:
        raise BenchmarkError(f"{paid} of {deals} deals were paid")


@contextmanager
def _running_app(stack: Stack) -> Iterator[tuple[psutil.Process, str]]:
    """The app under gunicorn, as in production, and its URL."""
    port = free_port()
    settings = {
        "PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "SUPABASE_URL": stack.url,
        "SUPABASE_ANON_KEY": stack.anon_key,
        "SUPABASE_SERVICE_ROLE_KEY": stack.service_role_key,
        "SUPABASE_JWT_SECRET": stack.jwt_secret,
        "RAZORPAY_KEY_ID": "rzp_test_benchmark00",
        "RAZORPAY_KEY_SECRET": SECRET,
        "RAZORPAY_WEBHOOK_SECRET": SECRET,
        "RAZORPAY_BASE_URL": f"http://{LOOPBACK}:9",  # nothing is asked for, and nobody is there
    }
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "webhooks/gunicorn_conf.py"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            url = f"http://{LOOPBACK}:{port}"
            _wait_until_ready(url)
            yield psutil.Process(process.pid), url
        finally:
            process.terminate()


def _wait_until_ready(url: str) -> None:
    transport = httpx.HTTPTransport(retries=8)  # each after a pause that doubles
    with httpx.Client(transport=transport, timeout=START_SECONDS, trust_env=False) as http:
        try:
            answer = http.get(f"{url}/readyz")
        except httpx.HTTPError as error:
            raise BenchmarkError(f"The app did not start: {error}") from error
    if answer.status_code != 200:
        raise BenchmarkError(f"The app is not ready: {answer.text}")
