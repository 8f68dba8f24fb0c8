"""Row 12: an action, and in an older revision the same rules written out as a CASE.

One cycle is two actions of a deal whose work has begun: its influencer asks to cancel, with a
reason, and takes that back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.case import make_case
from scripts.benchmarks.compare import Gate, Row, compare
from scripts.benchmarks.database import BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.turns import Player, take_turns
from scripts.benchmarks.world import run_sql

# Cycles of one deal: more would make the list of what is unread a part of the cost.
CYCLES = 14
# A deal lets each side ask to cancel so often; after as many cycles it is as if nobody had.
ALLOWED = 2
FORGET = """
update private.conversations as c set flow_data = c.flow_data - 'used'
where c.id = any(%(deals)s::text[]::uuid[]) and c.flow_data ? 'used'
"""

CYCLE = (
    "select public.take_action("
    "%s, 'request_cancellation', '{\"reason\": \"I fell ill.\"}', gen_random_uuid())",
    "select public.take_action(%s, 'withdraw_cancellation', '{}', gen_random_uuid())",
)

# What actions leave: steps of these deals' flow, messages, and broadcasts by their topics.
COUNTS = """
select
  (
    select count(*) from public.conversation_events
    where conversation_id = any(%(deals)s::text[]::uuid[])
  ),
  (select count(*) from public.messages where conversation_id = any(%(deals)s::text[]::uuid[])),
  (
    select count(*) from realtime.messages
    where payload ->> 'conversation_id' = any(%(deals)s::text[])
      or payload #>> '{data,conversation_id}' = any(%(deals)s::text[])
  )
"""

Players = dict[str, tuple[Side, Sequence[str]]]


def measure_actions(bench: Bench) -> list[Row]:
    """Row 12: from the first action of a session on, as many as are cold sends elsewhere."""
    deals = max(1, bench.size.cold // (2 * CYCLES))
    players: Players = {name: (side, CYCLE) for name, side in bench.sides.items()}
    if "old" in bench.sides:
        old = bench.sides["old"]
        if make_case(old, CYCLE, *make_deals(old, 1)[0]):
            as_case = tuple(action.replace("public.", "bench.") for action in CYCLE)
            players["floor"] = (old, as_case)
    spent: dict[str, list[Spent]] = {name: [] for name in players}
    told: dict[str, float] = {}
    for _ in range(bench.size.rounds):
        for name, (cost, steps, messages, broadcasts) in _play(players, deals).items():
            if steps != 1 or messages < 1:
                raise BenchmarkError(f"An action of {name} left {steps} steps, {messages} messages")
            spent[name].append(cost)
            told[name] = broadcasts
    more = ", ".join(f"{told[name]:.2f} {name}" for name in bench.sides)
    gate = Gate(cpu=0.62, floor=1.35, wal=50)
    return [compare("12", "take_action", spent, gate, f"broadcast rows an action: {more}")]


def _play(players: Players, deals: int) -> dict[str, tuple[Spent, float, float, float]]:
    """One round: what all actions cost, and what one left: steps, messages, broadcasts."""
    made = {name: make_deals(side, deals) for name, (side, _) in players.items()}
    ids = {name: [conversation for conversation, _ in pairs] for name, pairs in made.items()}
    with ExitStack() as sessions:
        ready = {}
        for name, (side, actions) in players.items():
            side.settle()
            session = sessions.enter_context(side.connect())
            session.execute("set role authenticated")
            ready[name] = Player(session, partial(_cycle, session, actions, cycle(made[name])))
        before = {name: _count(side, ids[name]) for name, (side, _) in players.items()}
        spent = {name: Spent() for name in players}
        for _ in range(CYCLES // ALLOWED):
            for name, cost in take_turns(ready, ALLOWED, deals).items():
                spent[name] += cost
            for name, (side, _) in players.items():
                with side.connect() as superuser:
                    superuser.execute(FORGET, {"deals": ids[name]})
    found = {}
    for name, (side, _) in players.items():
        # A cycle is two actions.
        spent[name].calls *= 2
        grown = zip(before[name], _count(side, ids[name]), strict=True)
        steps, messages, broadcasts = ((b - a) / spent[name].calls for a, b in grown)
        found[name] = (spent[name], steps, messages, broadcasts)
    return found


def _cycle(session: Connection, actions: Sequence[str], deals: Iterator[tuple[str, str]]) -> None:
    conversation, claims = next(deals)
    session.execute("select set_config('request.jwt.claims', %s, false)", [claims], prepare=True)
    for action in actions:
        session.execute(action.encode(), [conversation], prepare=True)


def _count(side: Side, deals: list[str]) -> tuple[int, ...]:
    with side.connect() as superuser:
        return superuser.execute(COUNTS, {"deals": deals}).fetchone() or ()


def make_deals(side: Side, deals: int) -> list[tuple[str, str]]:
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
