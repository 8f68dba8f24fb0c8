"""Writes the results: rows in docs/figures/bench.json, the table in docs/PERFORMANCE.md."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts.benchmarks.compare import Row, as_json, as_table
from scripts.benchmarks.database import ROOT

FIGURES = ROOT / "docs" / "figures" / "bench.json"
# Rows of what is measured only where it is named.
APART = ("3", "load")
PAGE = ROOT / "docs" / "PERFORMANCE.md"
SCALING = ROOT / "docs" / "SCALING.md"


def publish(
    run: dict[str, object],
    rows: Sequence[Row],
    figures: Path = FIGURES,
    page: Path = PAGE,
    *,
    is_whole: bool = False,
) -> None:
    """Write the rows in the place of those of the same name.

    Other rows stay as they were; of a whole run, those that it does not measure.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    run = {**run, "at": now, "cores": os.cpu_count(), "load": round(os.getloadavg()[1], 1)}
    kept = [row for row in read_figures(figures) if not is_whole or row.number in APART]
    if kept and not is_whole and not run["against"]:
        # Rows that stay were measured beside this one.
        run["against"] = json.loads(figures.read_text(encoding="utf-8"))["against"]
    found = {(row.number, row.what): row for row in [*kept, *rows]}
    figures.parent.mkdir(exist_ok=True)
    figures.write_text(as_json(run, list(found.values())), encoding="utf-8")
    said = (
        f"Last written {now} by `./scripts/bench{_arguments(run)} --publish` on {run['cores']}"
        f" cores, with a load of {run['load']} in the last five minutes."
    )
    write_section(page, "figures", f"{said}\n\n{as_table(list(found.values()))}")


def write_section(page: Path, name: str, content: str) -> None:
    """Put the content between a page's `<!-- name -->` and `<!-- end of name -->`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{content}\n{end}{after}", encoding="utf-8")


def read_figures(figures: Path = FIGURES) -> list[Row]:
    """The rows that were published, or none."""
    if not figures.is_file():
        return []
    return [Row(**row) for row in json.loads(figures.read_text(encoding="utf-8"))["rows"]]


def _arguments(run: dict[str, object]) -> str:
    against = f" --against {run['against']}" if run["against"] else ""
    return f" --size {run['size']}{against}"
