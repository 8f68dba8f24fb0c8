"""What was found, as rows: a table for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from scripts.benchmarks.meters import Spent


@dataclass(frozen=True)
class Row:
    """One line of the table: what was compared, how it came out, and what was asked for."""

    goal: str
    what: str
    # The measured figure that the bound is about, with its unit.
    value: str
    bound: str
    # None where nothing was asked for.
    met: bool | None
    cpu_ratio: float | None = None
    cpu_us: float | None = None
    wal_records: float | None = None
    wal_bytes: float | None = None
    # The floor's processor time of one call, in microseconds.
    floor_us: float | None = None
    # Calls a second, where the goal is about them.
    rate: float | None = None
    # How many messages there were.
    messages: int = 0


def ratio(above: Sequence[Spent], below: Sequence[Spent], figure: str) -> float:
    """The median over the rounds of a figure's ratio within one round."""
    return median(
        float(getattr(a, figure) / getattr(b, figure)) for a, b in zip(above, below, strict=True)
    )


def middle(spent: Sequence[Spent], figure: str) -> float:
    """The median of a figure over the rounds."""
    return median(float(getattr(s, figure)) for s in spent)


def as_table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [
        "| goal | messages | what | measured | asked | met | CPU | CPU us | floor us"
        " | WAL records | WAL bytes |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            *(
                row.goal,
                f"{row.messages:,}",
                row.what,
                row.value,
                row.bound,
                {True: "yes", False: "no", None: ""}[row.met],
            ),
            "" if row.cpu_ratio is None else f"{row.cpu_ratio:.2f}x",
            "" if row.cpu_us is None else f"{row.cpu_us:,.0f}",
            "" if row.floor_us is None else f"{row.floor_us:,.0f}",
            "" if row.wal_records is None else f"{row.wal_records:.1f}",
            "" if row.wal_bytes is None else f"{row.wal_bytes:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(size: str, rows: Sequence[Row]) -> str:
    """The same rows for machines."""
    return json.dumps({"size": size, "rows": [asdict(row) for row in rows]}, indent=2)
