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
    met: bool
    cpu_ratio: float | None = None
    cpu_us: float | None = None
    wal_records: float | None = None
    wal_bytes: float | None = None


def ratio(above: Sequence[Spent], below: Sequence[Spent], figure: str) -> float:
    """The median over the rounds of a figure's ratio within one round."""
    return median(
        getattr(a, figure) / getattr(b, figure) for a, b in zip(above, below, strict=True)
    )


def middle(spent: Sequence[Spent], figure: str) -> float:
    """The median of a figure over the rounds."""
    return median(getattr(s, figure) for s in spent)


def as_table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [
        "| goal | what | measured | asked | | CPU | CPU us | WAL records | WAL bytes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            *(row.goal, row.what, row.value, row.bound, "yes" if row.met else "no"),
            "" if row.cpu_ratio is None else f"{row.cpu_ratio:.2f}x",
            "" if row.cpu_us is None else f"{row.cpu_us:,.0f}",
            "" if row.wal_records is None else f"{row.wal_records:.1f}",
            "" if row.wal_bytes is None else f"{row.wal_bytes:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(size: str, rows: Sequence[Row]) -> str:
    """The same rows for machines."""
    return json.dumps({"size": size, "rows": [asdict(row) for row in rows]}, indent=2)
