"""The smallest run of every benchmark: each variant really works, and the table has every row."""

from __future__ import annotations

import json
import math

import pytest

from scripts.benchmarks.__main__ import BENCHMARKS, run
from scripts.benchmarks.growth import compare_sizes
from scripts.benchmarks.meters import is_supported
from scripts.benchmarks.pgbench import BenchmarkError
from scripts.benchmarks.report import Row, as_json, as_table
from scripts.benchmarks.sending import check_sends
from scripts.benchmarks.world import SIZES

pytestmark = pytest.mark.skipif(
    not is_supported(), reason="other processes' processor time can be read on Linux only"
)

# Goals and how many rows each has in a run of one size; 4 and 5 are not measured there.
ROWS = {
    "1": 1,
    "2": 1,
    "3": 2,
    "6": 1,
    "7": 1,
    "8": 1,
    "9": 3,
    "10": 2,
    "11": 1,
    "12": 1,
    "13": 1,
}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The table of one smoke run: a variant that did not do its work has raised by then."""
    return run(SIZES["smoke"])


def test_the_table_has_the_rows_of_every_goal(rows: list[Row]) -> None:
    found = {goal: sum(row.goal == goal for row in rows) for goal in ROWS}
    assert found == ROWS
    assert len(rows) == sum(ROWS.values())
    assert len(as_table(rows).splitlines()) == len(rows) + 2


def test_every_row_holds_figures_of_work_that_was_done(rows: list[Row]) -> None:
    for row in rows:
        assert row.messages == SIZES["smoke"].messages
        for figure in (row.cpu_ratio, row.cpu_us, row.floor_us, row.rate):
            assert figure is None or (math.isfinite(figure) and figure > 0), row


def test_sends_write_log_and_every_ratio_has_a_floor(rows: list[Row]) -> None:
    for row in rows:
        if row.goal in {"1", "2", "3", "11", "12"}:
            assert row.wal_records is not None
            assert row.wal_records > 1
        if row.goal in {"1", "2", "3", "6", "7", "8", "12", "13"}:
            assert row.floor_us is not None


def test_the_edge_of_the_quota_is_exact(rows: list[Row]) -> None:
    assert [row.met for row in rows if row.goal == "10"] == [True, True]


def test_the_rows_survive_json(rows: list[Row]) -> None:
    read = json.loads(as_json("smoke", rows))
    assert read["size"] == "smoke"
    assert [Row(**row) for row in read["rows"]] == rows


def test_a_variant_that_left_less_than_it_should_is_refused() -> None:
    check_sends("send", (1, 1, 1, 3, 0), (3, 3, 3, 9, 0), 2)
    with pytest.raises(BenchmarkError, match="grew by"):
        check_sends("send", (1, 1, 1, 3, 0), (3, 3, 3, 8, 1), 2)


def test_two_sizes_are_compared_where_both_have_the_figure() -> None:
    small = Row("1", "send", "", "", True, rate=1000.0, cpu_us=200.0, messages=10)
    large = Row("1", "send", "", "", True, rate=900.0, cpu_us=220.0, messages=1000)
    (row,) = compare_sizes([small], [large])
    assert row.goal == "5"
    assert row.met is False
    assert row.messages == 1000
    assert compare_sizes([small], []) == []


def test_every_benchmark_can_be_chosen_by_name() -> None:
    assert set(BENCHMARKS) == {
        *("send", "steps", "page", "policy", "list", "sync", "act", "cleanup", "quota", "crowd")
    }
