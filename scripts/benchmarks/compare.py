"""Variants that take turns, their costs beside each other, and what is asked of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TypeVar

from scripts.benchmarks.meters import Spent

T = TypeVar("T")


@dataclass(frozen=True)
class Gate:
    """The most that a call may cost; None where nothing is asked."""

    # Processor time as a ratio to the older revision, and to the floor.
    cpu: float | None = None
    floor: float | None = None
    wal: float | None = None
    # Milliseconds of the server's processor time, and within which 95 of 100 calls are answered.
    ms: float | None = None
    p95: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table. Times are microseconds of server processor time a call."""

    number: str
    what: str
    new_us: float | None = None
    old_us: float | None = None
    floor_us: float | None = None
    # New to old, and new to floor: medians of the ratios within one round.
    ratio: float | None = None
    floor_ratio: float | None = None
    new_wal: float | None = None
    old_wal: float | None = None
    wal_bytes: float | None = None
    gate: str = ""
    # None where nothing was asked, or where it could not be judged without an older revision.
    met: bool | None = None
    # Anything else worth a sentence, and the number in it that docs/SCALING.md calculates with.
    more: str = ""
    figure: float | None = None


def interleave(variants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Run every variant once in every round, starting with another one each time."""
    found: dict[str, list[T]] = {name: [] for name in variants}
    names = list(variants)
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            found[name].append(variants[name]())
    return found


def compare(
    number: str,
    what: str,
    spent: Mapping[str, Sequence[Spent]],
    gate: Gate,
    more: str = "",
    p95: float | None = None,
) -> Row:
    """The line of what `new` cost beside `old` and `floor`, which may both be missing."""
    new, old, floor = (spent.get(name) for name in ("new", "old", "floor"))
    if new is None:
        raise ValueError("Nothing new was measured")
    to_old, to_floor = ratio(new, old), ratio(new, floor)
    wal = middle(new, "wal_per_call") or None
    checks = [
        (gate.cpu, to_old, "<= {}x"),
        (gate.wal, wal, "<= {:,.0f} WAL records"),
        (gate.floor, to_floor, "<= {}x of the floor"),
        (gate.ms, middle(new, "cpu_ms"), "<= {} ms"),
        (gate.p95, p95, "p95 <= {} ms"),
    ]
    asked = [(most, value, text.format(most)) for most, value, text in checks if most is not None]
    held = [value <= most for most, value, _ in asked if value is not None]
    met = False if not all(held) else True if held and len(held) == len(asked) else None
    return Row(
        number,
        what,
        middle(new, "cpu_us"),
        None if old is None else middle(old, "cpu_us"),
        None if floor is None else middle(floor, "cpu_us"),
        to_old,
        to_floor,
        wal,
        None if old is None else middle(old, "wal_per_call") or None,
        None if wal is None else middle(new, "wal_bytes_per_call"),
        ", ".join(text for _, _, text in asked),
        met,
        more,
    )


def ratio(
    above: Sequence[Spent], below: Sequence[Spent] | None, figure: str = "cpu_us"
) -> float | None:
    """The median over the rounds of a figure's ratio within one round.

    A round whose lower figure is below the clock's grain says nothing.
    """
    pairs = [
        (float(getattr(a, figure)), float(getattr(b, figure)))
        for a, b in zip(above, below or [], strict=below is not None)
    ]
    ratios = [a / b for a, b in pairs if b > 1e-6]
    return median(ratios) if ratios else None


def middle(spent: Sequence[Spent], figure: str) -> float:
    """The median of a figure over the rounds."""
    return median(float(getattr(s, figure)) for s in spent)


def as_table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [
        "| # | call | CPU us | before | ratio | floor us | to floor | WAL records | before"
        " | asked | met | more |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row.number,
            row.what,
            _number(row.new_us, "{:,.0f}"),
            _number(row.old_us, "{:,.0f}"),
            _number(row.ratio, "{:.2f}x"),
            _number(row.floor_us, "{:,.0f}"),
            _number(row.floor_ratio, "{:.2f}x"),
            _number(row.new_wal, "{:,.1f}"),
            _number(row.old_wal, "{:,.1f}"),
            row.gate,
            {True: "yes", False: "no", None: ""}[row.met],
            row.more,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(run: Mapping[str, object], rows: Sequence[Row]) -> str:
    """The same rows for machines, with what is known of the run."""
    return json.dumps({**run, "rows": [asdict(row) for row in rows]}, indent=2) + "\n"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
