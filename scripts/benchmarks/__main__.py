"""Measures what calls cost on a throwaway server, beside an older revision and a floor."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from scripts.benchmarks.act import measure_actions
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.capacity import write_example
from scripts.benchmarks.clean import measure_cleanup
from scripts.benchmarks.compare import Row, as_json, as_table
from scripts.benchmarks.database import BenchmarkError, make_side, running_server
from scripts.benchmarks.events import measure_events
from scripts.benchmarks.growth import measure_growth
from scripts.benchmarks.load.crowd import Plan
from scripts.benchmarks.load.measure import measure_load
from scripts.benchmarks.meters import is_supported
from scripts.benchmarks.partitions import SUBJECTS, measure_partitions, write_partitions
from scripts.benchmarks.peers import measure_peers
from scripts.benchmarks.publish import publish
from scripts.benchmarks.read import (
    measure_list,
    measure_mark,
    measure_page,
    measure_policy,
    measure_screens,
    measure_sync,
    measure_unread,
)
from scripts.benchmarks.send import measure_envelope, measure_send
from scripts.benchmarks.store import measure_store
from scripts.benchmarks.webhook import measure_webhook
from scripts.benchmarks.world import SIZES, Size, make_world
from scripts.dev.local_supabase.postgres import StackError

ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "send": measure_send,
    "envelope": measure_envelope,
    "page": measure_page,
    "policy": measure_policy,
    "list": measure_list,
    "sync": measure_sync,
    "act": measure_actions,
    "cleanup": measure_cleanup,
    "webhook": measure_webhook,
    "unread": measure_unread,
    "screens": measure_screens,
    "mark": measure_mark,
    "store": measure_store,
    "growth": measure_growth,
}
# Install packages or start servers: only where they are named.
NAMED = {"peers": measure_peers}
SERVERS = ("http", "load", *SUBJECTS)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the chosen rows; 0 when all could be measured, 1 with one sentence otherwise."""
    args = _parser().parse_args(argv)
    if not is_supported():
        _say("bench: Processor time of other processes can be read on Linux only: run it there.")
        return 1
    size = SIZES["long" if args.long else "quick" if args.quick else args.size]
    try:
        rows = _measure(size, args)
    except (BenchmarkError, StackError) as error:
        _say(f"bench: {error}")
        return 1
    except KeyboardInterrupt:
        _say("bench: Interrupted; what it started is stopped.")
        return 130
    print(as_table(rows))  # noqa: T201
    found = {"size": size.name, "messages": size.messages, "against": args.against}
    if args.json is not None:
        args.json.write_text(as_json(found, rows), encoding="utf-8")
    if args.publish:
        rows = write_partitions(rows)
    if args.publish and rows:
        publish(found, rows, is_whole=not args.only)
        # Not before every row that it calculates with was published once.
        with suppress(LookupError):
            write_example()
    return 0


def run(
    size: Size,
    only: Sequence[str] = (),
    against: str | None = None,
    port: int | None = None,
) -> list[Row]:
    """Measure on a temporary server and return the table's rows.

    Args:
        size: how much there is, and how often it is measured.
        only: names of ROWS or NAMED; nothing means all of the first.
        against: the revision to measure beside the tree; None measures the tree alone.
        port: where the server listens; None takes a free one.
    """
    with running_server(port, small=size.messages < 100_000) as server:
        sides = {"new": make_side(server, "new")}
        if against is not None:
            sides["old"] = make_side(server, "old", against)
        return measure(Bench(sides, size), only or list(ROWS))


def measure(bench: Bench, names: Sequence[str]) -> list[Row]:
    """Fill the sides, which are empty products, and measure the rows of these names."""
    rows = []
    began = time.perf_counter()
    for side in bench.sides.values():
        make_world(side, bench.size)
    _say(f"{bench.size.messages:,} messages: {time.perf_counter() - began:.0f} s")
    for name in names:
        began = time.perf_counter()
        rows += (ROWS | NAMED)[name](bench)
        _say(f"{name}: {time.perf_counter() - began:.0f} s")
    return rows


def _measure(size: Size, args: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    in_database = [name for name in args.only if name not in SERVERS]
    if in_database or not args.only:
        rows += run(size, in_database, args.against, args.port)
    if "http" in args.only:
        rows += measure_events(size)
    divided = [name for name in args.only if name in SUBJECTS]
    if divided:
        rows += measure_partitions(size, divided)
    if "load" in args.only:
        plan = Plan(args.clients, args.minutes, args.rate)
        rows += measure_load(plan, is_agreed=args.yes)
    return rows


def _parser() -> argparse.ArgumentParser:
    named = ", ".join([*NAMED, *SERVERS])
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--against", metavar="REVISION", help="also measure this commit's migrations, in turns"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*ROWS, *NAMED, *SERVERS],
        default=[],
        help=f"default: all but {named}",
    )
    load = parser.add_argument_group("load")
    load.add_argument("--clients", type=int, default=100, help="default: 100")
    load.add_argument("--minutes", type=float, default=2, help="default: 2; 30 for a soak")
    load.add_argument("--rate", type=float, default=6, help="messages of each a minute (default 6)")
    load.add_argument("--yes", action="store_true", help="do not ask before a foreign Supabase")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--size", choices=SIZES, default="normal", help="default: normal")
    sizes.add_argument("--quick", action="store_true", help="--size quick: a minute a row")
    sizes.add_argument("--long", action="store_true", help="--size long: growth to 5,000,000")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument(
        "--publish", action="store_true", help="also write docs/figures and docs/PERFORMANCE.md"
    )
    parser.add_argument("--port", type=int, help="of the throwaway server (default: a free one)")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    # Ended from outside, it stops what it started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
