"""Rows 1 and 2: a send alone and as PostgREST makes it, cold and warm."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Gate, Row, compare, interleave, middle
from scripts.benchmarks.database import BenchmarkError, Connection, Side
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.pgbench import Script, compose, play, run_script
from scripts.benchmarks.turns import Player, take_turns
from scripts.benchmarks.world import Size
from scripts.dev.local_supabase.postgres import SUPERUSER

PICK = ("pick_by_power_law", "pick_member")
FLOOR = compose("floor", "postgres", *PICK, "insert_floor")
SEND = compose("send_message", "authenticated", *PICK, "send_message")
FLOOR_ENVELOPED = compose(
    "floor in PostgREST's envelope", "authenticator", *PICK, "insert_floor", api_role="service_role"
)
SEND_ENVELOPED = compose(
    "send_message in PostgREST's envelope",
    "authenticator",
    *PICK,
    "send_message",
    api_role="authenticated",
)

# Calls of one turn.
CALLS = 20

Scripts = dict[str, tuple[Side, Script]]
Check = Callable[[str, list[int], int], None]
Found = dict[str, list[tuple[Spent, Spent]]]

# Messages and the conversations' heads grow by one a send; the rest is told.
COUNTS = """
select
  (select count(*) from public.messages),
  (select sum(last_seq) from private.conversations),
  (select count(*) from realtime.messages)
"""


def measure_send(bench: Bench) -> list[Row]:
    """Row 1."""
    cold, warm = Gate(cpu=0.45, floor=4.4, wal=16), Gate(cpu=0.45, floor=3.1, wal=16)
    return _measure(bench, "1", SEND, FLOOR, cold, warm)


def measure_envelope(bench: Bench) -> list[Row]:
    """Row 2."""
    return _measure(bench, "2", SEND_ENVELOPED, FLOOR_ENVELOPED, Gate(cpu=0.5), Gate(cpu=0.5))


def _measure(
    bench: Bench, number: str, send: Script, floor: Script, cold: Gate, warm: Gate
) -> list[Row]:
    told: dict[str, float] = {}

    def check(name: str, grown: list[int], sends: int) -> None:
        if name != "floor":
            told[name] = check_sends(name, grown, sends)

    scripts = {name: (side, send) for name, side in bench.sides.items()}
    scripts["floor"] = (bench.new, floor)
    clients = bench.size.clients
    found = (_by_one if clients == 1 else _by_many)(bench.size, scripts, check)
    rows = []
    for place, gate, how in ((0, cold, "cold"), (1, warm, "warm")):
        spent = {name: [pair[place] for pair in pairs] for name, pairs in found.items()}
        rates = f"{middle(spent['new'], 'rate'):,.0f} msgs/s"
        if "old" in spent:
            rates += f" (before {middle(spent['old'], 'rate'):,.0f})"
        heard = ", ".join(f"{told[name]:.2f} {name}" for name in bench.sides)
        what = f"{send.name}, {clients} client{'s' if clients > 1 else ''}, {how}"
        row = compare(number, what, spent, gate, f"{rates}; broadcast rows a send: {heard}")
        rows.append(replace(row, figure=told["new"]))
    return rows


def _by_many(size: Size, scripts: Scripts, check: Check) -> Found:
    """Many clients at once, by pgbench: a short run is cold, what a longer one adds is warm."""
    numbers = {"users": size.users, "conversations": size.conversations}

    def run(name: str, side: Side, script: Script) -> tuple[Spent, Spent]:
        side.settle()
        runs = []
        for transactions in (size.cold, size.warm):
            with side.connect() as watcher:
                before = count(watcher)
                runs.append(run_script(side, script, size.clients, transactions, **numbers))
                check(
                    name,
                    [b - a for a, b in zip(before, count(watcher), strict=True)],
                    runs[-1].calls,
                )
        return runs[0], runs[1] - runs[0]

    variants = {name: partial(run, name, *chosen) for name, chosen in scripts.items()}
    return interleave(variants, size.rounds)


def _by_one(size: Size, scripts: Scripts, check: Check) -> Found:
    """One session each, in turns of a few calls: steady on a machine that has other work, too."""
    found: Found = {name: [] for name in scripts}
    pick = random.Random(1)  # noqa: S311
    for _ in range(size.rounds):
        with ExitStack() as open_sessions:
            players, before = {}, {}
            for name, (side, script) in scripts.items():
                side.settle()
                watcher = open_sessions.enter_context(side.connect())
                before[name] = (watcher, count(watcher))
                session = open_sessions.enter_context(side.connect(SUPERUSER))
                session.execute(f"set role {script.role}".encode())
                players[name] = Player(session, partial(play, session, script, size, pick))
            cold = take_turns(players, size.cold // CALLS, CALLS)
            warm = take_turns(players, (size.warm - size.cold) // CALLS, CALLS)
            for name in scripts:
                found[name].append((cold[name], warm[name]))
                watcher, counted = before[name]
                check(
                    name,
                    [b - a for a, b in zip(counted, count(watcher), strict=True)],
                    cold[name].calls + warm[name].calls,
                )
    return found


def count(connection: Connection) -> list[int]:
    """The rows that sends leave behind; see COUNTS."""
    row = connection.execute(COUNTS.encode()).fetchone()
    return [int(value or 0) for value in row or ()]


def check_sends(name: str, grown: list[int], sends: int) -> float:
    """Broadcast rows of one send; refuse a measurement of sends that did not leave what they must.

    Raises:
        BenchmarkError: says what is missing.
    """
    messages, heads, broadcasts = grown
    if (messages, heads) != (sends, sends) or broadcasts < sends:
        raise BenchmarkError(
            f"{name}: {sends} sends added {messages} messages, moved heads by {heads} and told"
            f" {broadcasts} broadcasts"
        )
    return broadcasts / sends
