"""The capacity calculator: every figure follows from its formula, and grows with the use."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks.capacity import Costs, Use, calculate, main, read_costs
from scripts.benchmarks.compare import Row

COSTS = Costs(
    send=500, sync=2_000, list=800, page=150, mark=300, wal_bytes=3_000, broadcasts=1,
    message_bytes=700, broadcast_bytes=600,
)  # fmt: skip
USE = Use(
    users=10_000, messages_per_day=864_000, peak=10, online=0.1, devices=1, opens=8.64,
    receipts=1, months=1,
)  # fmt: skip


def needs(use: Use) -> dict[str, str]:
    return {need.what: need.value for need in calculate(use, COSTS)}


def test_figures_follow_from_their_formulas() -> None:
    found = needs(USE)
    assert found["sends a second at the peak"] == "100.0"
    # Half of a second / (500 + 300 + 2 x 250 us).
    assert found["messages a second that one core carries"] == "385"
    # 100 sends, 100 receipts, four requests of ten opens.
    assert found["requests a second at the peak"] == "240.0"
    # 100 x 500 + 100 x 300 + 10 x (2,000 + 800 + 300) + 240 x 250 us, half busy.
    assert found["cores of the database"] == "0.34"
    # 25.92 million messages, and three days of two broadcasts each.
    assert found["disk"] == "21.3 GB"
    assert found["write-ahead log"] == "2.59 GB a day"
    assert found["compute"].startswith("Small")
    assert found["connections at the peak"] == "1,000"
    assert found["Realtime events a second"] == "200.0"
    assert found["Realtime plan"] == "Pro without spend cap, or Team"
    # 25.92 million x 2 x (1 sent + 1 heard), five of them included: 99 packages.
    assert found["Realtime messages a month"] == "103.7 million, $247.50"
    assert found["peak connections"] == "$10.00"


@pytest.mark.parametrize(
    ("users", "messages", "plan"),
    [
        (1_000, 10_000, "Free"),
        (4_000, 100_000, "Pro"),
        (2_000_000, 100_000_000, "by agreement, or a Realtime of one's own"),
    ],
)
def test_the_plan_is_the_smallest_that_suffices(users: int, messages: int, plan: str) -> None:
    use = Use(users, messages, devices=1)
    assert needs(use)["Realtime plan"] == plan


def test_what_no_machine_carries_is_said() -> None:
    assert needs(Use(50_000_000, 2_000_000_000))["compute"] == "more than one machine"


def test_a_figure_that_was_never_measured_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--users", "1", "--messages-per-day", "1", "--figures", str(tmp_path / "none")]
    assert main(arguments) == 1
    assert "run ./scripts/bench --publish" in capsys.readouterr().err


def test_costs_are_read_from_the_published_rows() -> None:
    rows = [
        Row("2", "send, cold", new_us=9.0),
        Row("2", "send, warm", new_us=500.0, wal_bytes=3_000.0, figure=1.0),
        Row("13", "sync of 200", new_us=2_000.0),
        Row("8", "list, 20", new_us=800.0),
        Row("6", "page of 50", new_us=150.0),
        Row("mark", "mark_read of three", new_us=300.0),
        Row("store", "a message of 60 letters", figure=700.0),
        Row("store", "a broadcast row", figure=600.0),
    ]
    assert read_costs(rows) == COSTS
