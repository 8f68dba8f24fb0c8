"""The smallest run of the benchmarks: every variant does its work, and the table has every row."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from scripts.benchmarks.__main__ import ROWS, measure
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.compare import Gate, Row, as_json, as_table, compare
from scripts.benchmarks.database import BenchmarkError, Side
from scripts.benchmarks.meters import Spent, is_supported
from scripts.benchmarks.publish import publish, read_figures
from scripts.benchmarks.send import check_sends
from scripts.benchmarks.world import SMOKE

pytestmark = pytest.mark.skipif(
    not is_supported(), reason="other processes' processor time can be read on Linux only"
)

# Lines of each row in a run of the tree alone; `envelope` is `send` with another first statement.
LINES = {
    "send": 2,
    "page": 1,
    "policy": 1,
    "list": 1,
    "sync": 1,
    "act": 1,
    "cleanup": 1,
    "webhook": 1,
    "unread": 2,
    "screens": 5,
    "mark": 1,
    "store": 2,
}


@pytest.fixture(scope="module")
def rows(side: Side) -> list[Row]:
    """The table of one smoke run: a variant that did not do its work has raised by then."""
    return measure(Bench({"new": side}, SMOKE), list(LINES))


@pytest.mark.long
def test_the_table_has_every_line_with_figures_of_work_that_was_done(rows: list[Row]) -> None:
    assert len(rows) == sum(LINES.values())
    assert len(as_table(rows).splitlines()) == len(rows) + 2
    assert set(LINES) <= set(ROWS)
    for row in rows:
        assert math.isfinite(row.new_us or row.figure or math.nan), row
        assert row.old_us is None
        assert row.ratio is None


@pytest.mark.long
def test_what_writes_has_its_log_counted(rows: list[Row]) -> None:
    written = {row.number for row in rows if row.new_wal}
    assert written >= {"1", "9", "12", "13", "14"}


@pytest.mark.long
def test_the_rows_survive_json(rows: list[Row]) -> None:
    read = json.loads(as_json({"size": "smoke"}, rows))
    assert read["size"] == "smoke"
    assert [Row(**row) for row in read["rows"]] == rows


def test_a_ratio_is_that_of_one_round_and_is_held_to_its_gate() -> None:
    def spent(*micros: float) -> list[Spent]:
        return [Spent(1, 1, us / 1e6, 12, 1200) for us in micros]

    sides = {"new": spent(4, 40, 4), "old": spent(10, 100, 20), "floor": spent(2, 20, 2)}
    row = compare("1", "send", sides, Gate(cpu=0.45, floor=2, wal=16))
    assert (row.ratio, row.floor_ratio, row.new_wal, row.met) == (0.4, 2, 12, True)
    assert compare("1", "send", sides, Gate(cpu=0.45, wal=11)).met is False
    assert compare("1", "send", sides, Gate()).met is None
    # Without an older revision a gate about it stays open, unless another one is missed.
    alone = {"new": spent(4)}
    assert compare("1", "send", alone, Gate(cpu=0.45, wal=16)).met is None
    assert compare("1", "send", alone, Gate(cpu=0.45, wal=11)).met is False


def test_a_longer_run_less_a_shorter_one_is_the_later_calls() -> None:
    warm = Spent(1500, 3, 1.5, 30_000, 3e6) - Spent(300, 1, 0.6, 6_000, 9e5)
    assert (warm.calls, round(warm.cpu_us), warm.wal_per_call) == (1200, 750, 20)


def test_sends_that_left_less_than_they_must_are_refused() -> None:
    assert check_sends("send", [2, 2, 6], 2) == 3
    for grown in ([1, 2, 6], [2, 1, 6], [2, 2, 1]):
        with pytest.raises(BenchmarkError, match="2 sends added"):
            check_sends("send", grown, 2)


def test_published_rows_replace_their_own_and_leave_the_others(tmp_path: Path) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "bench.json"
    page.write_text("Above\n<!-- figures -->\nold\n<!-- end of figures -->\nBelow\n")
    run: dict[str, object] = {"size": "quick", "against": None}
    publish(run, [Row("1", "send", new_us=9.0), Row("6", "page", new_us=5.0)], figures, page)
    publish(run, [Row("1", "send", new_us=7.0)], figures, page)
    kept = {row.number: row.new_us for row in read_figures(figures)}
    assert kept == {"1": 7.0, "6": 5.0}
    loads = [Row("load", "100 clients, 2 min"), Row("load", "100 clients, 30 min")]
    publish(run, loads, figures, page)
    publish(run, [Row("8", "list", new_us=3.0)], figures, page, is_whole=True)
    assert {row.what for row in read_figures(figures)} == {"list", *(row.what for row in loads)}
    publish(run, [Row("1", "send", new_us=7.0)], figures, page)
    text = page.read_text()
    assert text.startswith("Above\n")
    assert text.endswith("Below\n")
    assert "| 1 | send | 7 |" in text
    assert "old" not in text
