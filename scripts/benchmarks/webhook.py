"""Row 14: a webhook's event, recorded and processed, as the app has the database do it.

Each deal's payment fails, is tried again, is captured, and its order is paid: four events.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from scripts.benchmarks.act import make_deal_functions
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Gate, Row, compare
from scripts.benchmarks.database import BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.turns import Player, take_turns

CONNECTIONS = 16
# Events of one turn.
CALLS = 4
# Deals whose four events each connection takes before the clock starts, at most: PostgreSQL may
# plan a statement anew in each of its first five calls.
KNOWN = 6
EVENTS = ("payment.failed", "payment.authorized", "payment.captured", "order.paid")

RECORD = "select (public.record_payment_event(%s, %s) ->> 'event_row_id')::bigint"
PROCESS = "select public.process_payment_event(%s)"
PAID = """
select count(*) from private.conversations as c join bench.deals as d on d.id = c.id
where d.d = any(%s) and c.flow_state = 'payment_completed'
"""


def measure_webhook(bench: Bench) -> list[Row]:
    """Row 14: the cost in a session that has its plans, and how long the slowest hundredth took."""
    deals = bench.size.deals
    spent: dict[str, list[Spent]] = {name: [] for name in bench.sides}
    for _ in range(bench.size.rounds):
        for name, cost in _take(bench, deals).items():
            spent[name].append(cost)
    tails = [
        f"p99 at {CONNECTIONS} connections {_tail(side, 4 * deals):.0f} ms {name}"
        for name, side in bench.sides.items()
    ]
    return [
        compare("14", "a webhook, recorded and processed", spent, Gate(cpu=0.6), ", ".join(tails))
    ]


def _take(bench: Bench, deals: int) -> dict[str, Spent]:
    """All events of so many deals on every side, in turns, in sessions that have their plans."""
    with ExitStack() as sessions:
        players, made = {}, {}
        for name, side in bench.sides.items():
            known, made[name] = _make(side, 2), _make(side, deals)
            side.settle()
            session = sessions.enter_context(side.connect())
            session.execute("set role service_role")
            for body in _bodies(side, known):
                _take_event(session, body)
            bodies = iter(_bodies(side, made[name]))
            players[name] = Player(session, partial(_take_next, session, bodies))
        spent = take_turns(players, deals * len(EVENTS) // CALLS, CALLS)
    for name, side in bench.sides.items():
        _check(side, made[name])
    return spent


def _take_next(session: Connection, bodies: Iterator[str]) -> None:
    _take_event(session, next(bodies))


def _tail(side: Side, deals: int) -> float:
    """Milliseconds within which 99 of 100 events were taken over connections that have plans."""
    warm = [_bodies(side, _make(side, min(deals // 4, KNOWN))) for _ in range(CONNECTIONS)]
    measured = _make(side, deals)
    bodies = _bodies(side, measured)
    side.settle()
    start = threading.Barrier(CONNECTIONS)

    def work(number: int) -> list[float]:
        took = []
        with side.connect() as session:
            session.execute("set role service_role")
            for body in warm[number]:
                _take_event(session, body)
            start.wait()
            for body in bodies[number::CONNECTIONS]:
                began = time.perf_counter()
                _take_event(session, body)
                took.append(time.perf_counter() - began)
        return took

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = pool.map(work, range(CONNECTIONS))
        times = sorted(second for part in parts for second in part)
    _check(side, measured)
    return times[len(times) * 99 // 100] * 1000


def _take_event(session: Connection, body: str) -> None:
    (row,) = session.execute(RECORD, [uuid.uuid4().hex, body], prepare=True).fetchone() or (0,)
    session.execute(PROCESS, [row], prepare=True)


def _make(side: Side, deals: int) -> list[int]:
    make_deal_functions(side)
    with side.connect() as superuser:
        return [
            int((superuser.execute("select bench.make_unpaid_deal()").fetchone() or (0,))[0])
            for _ in range(deals)
        ]


def _bodies(side: Side, deals: list[int]) -> list[str]:
    """All first events, then all second ones and so on, so that neighbours are different deals."""
    with side.connect() as superuser:
        rows = superuser.execute(
            "select bench.event_body(d.razorpay_order_id, e.name) from bench.deals as d"
            " cross join unnest(%s::text[]) with ordinality as e (name, place)"
            " where d.d = any(%s) order by e.place, d.d",
            [list(EVENTS), deals],
        ).fetchall()
    return [body for (body,) in rows]


def _check(side: Side, deals: list[int]) -> None:
    with side.connect() as superuser:
        (paid,) = superuser.execute(PAID, [deals]).fetchone() or (0,)
    if paid != len(deals):
        raise BenchmarkError(f"{paid} of {len(deals)} deals were paid")
