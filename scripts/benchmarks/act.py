"""Row 12: an action.

One cycle is two actions of a deal whose work has begun: its influencer asks to cancel, with a
reason, and takes that back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Gate, Row, compare
from scripts.benchmarks.database import BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.turns import Player, take_turns
from scripts.benchmarks.world import run_sql

# Cycles of one deal: more would make the list of what is unread a part of the cost.
CYCLES = 15

CYCLE = (
    "select public.take_action("
    "%s, 'request_cancellation', '{\"reason\": \"I fell ill.\"}', gen_random_uuid())",
    "select public.take_action(%s, 'withdraw_cancellation', '{}', gen_random_uuid())",
)

# Steps of the deals' flow, and messages in the deals.
COUNTS = """
select
  (
    select count(*) from public.conversation_events as e
    join bench.deals as d on d.id = e.conversation_id
  ),
  (select count(*) from public.messages as m join bench.deals as d on d.id = m.conversation_id),
  (select count(*) from realtime.messages)
"""


def measure_actions(bench: Bench) -> list[Row]:
    """Row 12: from the first action of a session on, as many as are cold sends elsewhere."""
    deals = max(1, bench.size.cold // (2 * CYCLES))
    spent: dict[str, list[Spent]] = {name: [] for name in bench.sides}
    left: dict[str, list[float]] = {}
    for _ in range(bench.size.rounds):
        made = {name: _make_deals(side, deals) for name, side in bench.sides.items()}
        with ExitStack() as sessions:
            players = {}
            for name, side in bench.sides.items():
                side.settle()
                session = sessions.enter_context(side.connect())
                session.execute("set role authenticated")
                players[name] = Player(session, partial(_cycle, session, cycle(made[name])))
            before = {name: _count(side) for name, side in bench.sides.items()}
            for name, cost in take_turns(players, CYCLES, deals).items():
                # A cycle is two actions.
                cost.calls *= 2
                spent[name].append(cost)
                grown = zip(before[name], _count(bench.sides[name]), strict=True)
                left[name] = [(b - a) / cost.calls for a, b in grown]
                if left[name][0] != 1 or left[name][1] < 1:
                    raise BenchmarkError(
                        f"An action left {left[name][0]} steps and {left[name][1]} messages"
                    )
    told = ", ".join(f"{left[name][2]:.2f} {name}" for name in bench.sides)
    more = f"broadcast rows an action: {told}"
    return [compare("12", "take_action", spent, Gate(cpu=0.62, wal=50), more)]


def _cycle(session: Connection, deals: Iterator[tuple[str, str]]) -> None:
    conversation, claims = next(deals)
    session.execute("select set_config('request.jwt.claims', %s, false)", [claims], prepare=True)
    for action in CYCLE:
        session.execute(action, [conversation], prepare=True)


def _count(side: Side) -> tuple[int, ...]:
    with side.connect() as superuser:
        return superuser.execute(COUNTS).fetchone() or ()


def _make_deals(side: Side, deals: int) -> list[tuple[str, str]]:
    """Make so many deals whose work has begun; their ids and the claims of their influencers."""
    make_deal_functions(side)
    with side.connect() as superuser:
        numbers = [
            int((superuser.execute("select bench.make_deal()").fetchone() or (0,))[0])
            for _ in range(deals)
        ]
        rows = superuser.execute(
            "select id::text, json_build_object("
            " 'sub', bench.id(influencer), 'role', 'authenticated')::text"
            " from bench.deals where d = any(%s)",
            [numbers],
        ).fetchall()
    return [(conversation, claims) for conversation, claims in rows]


def make_deal_functions(side: Side) -> None:
    """Make what makes deals, once."""
    with side.connect() as superuser:
        (table,) = superuser.execute("select to_regclass('bench.deals')").fetchone() or (None,)
        if table is None:
            run_sql(superuser, "deals.sql")
