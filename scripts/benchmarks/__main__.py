"""Measures the goals of docs/PERFORMANCE.md on a throwaway server and prints a table."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.benchmarks.acting import measure_actions
from scripts.benchmarks.cleaning import measure_cleanup
from scripts.benchmarks.cluster import Server, running_server
from scripts.benchmarks.contention import measure_crowd, measure_quota
from scripts.benchmarks.events import measure_events
from scripts.benchmarks.growth import compare_sizes
from scripts.benchmarks.meters import is_supported
from scripts.benchmarks.orm import measure_orm
from scripts.benchmarks.peers import measure_steps
from scripts.benchmarks.pgbench import BenchmarkError
from scripts.benchmarks.reading import (
    measure_list,
    measure_page,
    measure_policy,
    measure_sync,
)
from scripts.benchmarks.report import Row, as_json, as_table
from scripts.benchmarks.sending import measure_sends
from scripts.benchmarks.world import SIZES, Size, grow_world, make_world
from scripts.local_supabase.postgres import StackError

Benchmark = Callable[[Server, Size], list[Row]]

# Each leaves the data as the next one needs it; they run in this order.
BENCHMARKS: dict[str, Benchmark] = {
    "send": measure_sends,
    "steps": measure_steps,
    "page": measure_page,
    "policy": measure_policy,
    "list": measure_list,
    "sync": measure_sync,
    "act": measure_actions,
    "cleanup": measure_cleanup,
    "quota": measure_quota,
    "crowd": measure_crowd,
}
# Needs some 300 MB of Node packages: part of a full run, or where it is asked for.
WITH_PACKAGES: dict[str, Benchmark] = {"prisma": measure_orm}
# Starts the app and a Supabase for it: only where it is asked for.
WITH_SERVERS: dict[str, Benchmark] = {"webhooks": measure_events}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks; 0 when all could be measured, 1 with one sentence otherwise."""
    args = _parser().parse_args(argv)
    if not is_supported():
        _say("bench: Processor time of other processes can be read on Linux only: run it there.")
        return 1
    try:
        rows = run(SIZES[args.size], args.only, args.port)
    except (BenchmarkError, StackError) as error:
        _say(f"bench: {error}")
        return 1
    print(as_table(rows))  # noqa: T201
    if args.json is not None:
        args.json.write_text(as_json(args.size, rows) + "\n", encoding="utf-8")
    return 0


def run(size: Size, only: Sequence[str] = (), port: int | None = None) -> list[Row]:
    """Measure on a server of its own and return the table's rows.

    Args:
        size: how much and how often; a grown size measures everything a second time.
        only: names of BENCHMARKS, WITH_PACKAGES or WITH_SERVERS; nothing means all of the first,
            and of the second when the size grows.
        port: where the server listens; None takes a free one.
    """
    every = BENCHMARKS | WITH_PACKAGES
    names = only or (BENCHMARKS if size.grown is None else every)
    chosen = {name: (every | WITH_SERVERS)[name] for name in names}
    with running_server(port, small=size.name == "smoke") as server:
        make_world(server, size, _say)
        rows = _measure(server, size, chosen, size.messages)
        if size.grown is not None:
            grow_world(server, size, _say)
            large = _measure(server, size, chosen, size.grown)
            rows += [*large, *compare_sizes(rows, large)]
    return rows


def _measure(server: Server, size: Size, chosen: dict[str, Benchmark], messages: int) -> list[Row]:
    rows: list[Row] = []
    for name, measure in chosen.items():
        started = time.perf_counter()
        rows += [replace(row, messages=messages) for row in measure(server, size)]
        _say(f"{name}: {time.perf_counter() - started:.0f} s")
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="quick", help="default: quick")
    choices = [*BENCHMARKS, *WITH_PACKAGES, *WITH_SERVERS]
    kept = "default: all; prisma only with --size full, webhooks only when named"
    parser.add_argument("--only", nargs="+", choices=choices, default=[], help=kept)
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--port", type=int, help="of the throwaway server (default: a free one)")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
