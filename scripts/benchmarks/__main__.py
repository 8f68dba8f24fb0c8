"""Measures the goals of docs/PERFORMANCE.md on a throwaway server and prints a table."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts.benchmarks.cluster import Server, running_server
from scripts.benchmarks.meters import is_supported
from scripts.benchmarks.pgbench import BenchmarkError
from scripts.benchmarks.report import Row, as_json, as_table
from scripts.benchmarks.sending import measure_sends
from scripts.benchmarks.world import SIZES, Size, make_world
from scripts.local_supabase.postgres import StackError

BENCHMARKS: dict[str, Callable[[Server, Size], list[Row]]] = {
    "send": measure_sends,
}


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
    """Measure on a server of its own and return the table's rows; nothing chosen means all."""
    rows = []
    with running_server(port, small=size.name == "smoke") as server:
        make_world(server, size, _say)
        for name, measure in BENCHMARKS.items():
            if name in (only or BENCHMARKS):
                started = time.perf_counter()
                rows += measure(server, size)
                _say(f"{name}: {time.perf_counter() - started:.0f} s")
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="quick", help="default: quick")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=[], help="default: all")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--port", type=int, help="of the throwaway server (default: a free one)")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
