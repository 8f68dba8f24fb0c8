"""Goals 5 and 6: what changes between a small table of messages and a large one."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.benchmarks.report import Row


def compare_sizes(small: Sequence[Row], large: Sequence[Row]) -> list[Row]:
    """Rows about the same figures at two sizes, from the tables of both; none that lack one."""
    return [*_compare_sends(small, large), *_compare_pages(small, large)]


def _compare_sends(small: Sequence[Row], large: Sequence[Row]) -> list[Row]:
    before, after = _find(small, "1"), _find(large, "1")
    if before is None or after is None or not before.rate or not after.rate:
        return []
    rate = after.rate / before.rate
    return [
        Row(
            "5",
            f"send_message against itself at {before.messages:,} messages",
            f"{rate:.2f}x ({after.rate:,.0f} of {before.rate:,.0f} msgs/s)",
            ">= 0.93x msgs/s",
            rate >= 0.93,
            (after.cpu_us or 0) / (before.cpu_us or 1),
            after.cpu_us,
            floor_us=before.cpu_us,
            messages=after.messages,
        )
    ]


def _compare_pages(small: Sequence[Row], large: Sequence[Row]) -> list[Row]:
    before, after = _find(small, "6"), _find(large, "6")
    if before is None or after is None or not before.cpu_ratio or not after.cpu_ratio:
        return []
    change = after.cpu_ratio / before.cpu_ratio
    return [
        Row(
            "6",
            f"the page's ratio against that at {before.messages:,} messages",
            f"{change:.2f}x",
            "<= 1.25x",
            change <= 1.25,
            change,
            after.cpu_us,
            floor_us=before.cpu_us,
            messages=after.messages,
        )
    ]


def _find(rows: Sequence[Row], goal: str) -> Row | None:
    return next((row for row in rows if row.goal == goal), None)
