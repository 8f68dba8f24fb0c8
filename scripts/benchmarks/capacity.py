"""Calculates the cores, disk, log, Realtime messages and price class for an amount of use.

`python -m scripts.benchmarks.capacity --users 50000 --messages-per-day 1000000 --peak 10`. What a
call costs comes from docs/figures/bench.json (`./scripts/bench --publish`); what the platform
allows and asks is written here, with its source. docs/SCALING.md explains the formulas.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks.compare import Row
from scripts.benchmarks.publish import FIGURES, SCALING, read_figures, write_section

DAY = 86_400
MONTH_DAYS = 30
# PostgREST's own processor time of a request, on the database's cores: assumed, not measured.
API_US = 250.0
# Cores are sized so that the peak keeps them half busy: vacuum, checkpoints, decoding the log for
# Realtime and backups need the rest.
BUSY = 0.5
# Realtime keeps its table of broadcasts for three days.
BROADCAST_DAYS = 3


@dataclass(frozen=True)
class Compute:
    """A size of the platform's machines.

    Source: supabase.com/docs/guides/platform/compute-and-disk
    """

    name: str
    cores: int
    disk_gb: float
    dollars: int


COMPUTE = (
    Compute("Micro", 2, 10, 10),
    Compute("Small", 2, 50, 15),
    Compute("Medium", 2, 100, 60),
    Compute("Large", 2, 200, 110),
    Compute("XL", 4, 500, 210),
    Compute("2XL", 8, 1_000, 410),
    Compute("4XL", 16, 2_000, 960),
    Compute("8XL", 32, 4_000, 1_870),
    Compute("12XL", 48, 6_000, 2_800),
    Compute("16XL", 64, 10_000, 3_730),
)
# Cores that are the machine's own only from here on; smaller sizes share theirs.
DEDICATED_FROM = "Large"


@dataclass(frozen=True)
class RealtimePlan:
    """Realtime's quotas of a plan.

    Source: supabase.com/docs/guides/realtime/limits
    """

    name: str
    connections: int
    events: int
    joins: int


PLANS = (
    RealtimePlan("Free", 200, 100, 100),
    RealtimePlan("Pro", 500, 500, 500),
    RealtimePlan("Pro without spend cap, or Team", 10_000, 2_500, 2_500),
)
# Source: supabase.com/docs/guides/platform/manage-your-usage/realtime-messages and
# .../realtime-peak-connections: included in Pro, then dollars a package.
MESSAGES_INCLUDED, MESSAGES_PACKAGE, MESSAGES_DOLLARS = 5_000_000, 1_000_000, 2.5
PEAK_INCLUDED, PEAK_PACKAGE, PEAK_DOLLARS = 500, 1_000, 10


@dataclass(frozen=True)
class Use:
    """An amount of use."""

    users: int
    messages_per_day: int
    # The busiest seconds beside the day's mean.
    peak: float = 10
    # Part of the users who are connected at the busiest time, and devices of each.
    online: float = 0.1
    devices: float = 1.2
    # How often a user opens the app in a day: a sync, a list and two pages each.
    opens: float = 8
    # Receipts that are told for each message: delivered and seen, several messages at once.
    receipts: float = 1
    months: float = 12


@dataclass(frozen=True)
class Costs:
    """Published costs. Times are microseconds of the server's processor time."""

    send: float
    sync: float
    list: float
    page: float
    mark: float
    wal_bytes: float
    broadcasts: float
    message_bytes: float
    broadcast_bytes: float


@dataclass(frozen=True)
class Need:
    """One figure of the answer, and how it comes about."""

    what: str
    value: str
    formula: str


def main(argv: Sequence[str] | None = None) -> int:
    """Print what the use needs; 1 with one sentence where a figure was never measured."""
    args = _parser().parse_args(argv)
    values = vars(args)
    figures = values.pop("figures")
    try:
        costs = read_costs(read_figures(figures))
    except LookupError as error:
        print(f"capacity: {error.args[0]}", file=sys.stderr)  # noqa: T201
        return 1
    print(as_table(calculate(Use(**values), costs)))  # noqa: T201
    return 0


def write_example(page: Path = SCALING) -> None:
    """Put the answer for one use into docs/SCALING.md, from the published figures."""
    use = Use(users=50_000, messages_per_day=1_000_000)
    said = (
        f"{use.users:,} users, {use.messages_per_day:,} messages a day, a peak of {use.peak:g}"
        " times the mean, calculated from the figures that were published last:"
    )
    table = as_table(calculate(use, read_costs(read_figures())))
    write_section(page, "capacity", f"{said}\n\n{table}")


def read_costs(rows: Sequence[Row]) -> Costs:
    """The costs in the rows that were published.

    Raises:
        LookupError: a row that is needed is not there.
    """

    def find(number: str, part: str) -> Row:
        found = [row for row in rows if row.number == number and part in row.what]
        if not found:
            raise LookupError(
                f"No figure for `{part}`: run ./scripts/bench --publish first, with all rows."
            )
        return found[-1]

    def micros(number: str, part: str) -> float:
        return find(number, part).new_us or 0

    send = find("2", "warm")
    return Costs(
        send=send.new_us or 0,
        sync=micros("13", "sync"),
        list=micros("8", "list"),
        page=micros("6", "page"),
        mark=micros("mark", "mark_read"),
        wal_bytes=send.wal_bytes or 0,
        broadcasts=send.figure or 0,
        message_bytes=find("store", "a message").figure or 0,
        broadcast_bytes=find("store", "a broadcast").figure or 0,
    )


def calculate(use: Use, costs: Costs) -> list[Need]:
    """The needs of the use, in the order of the page."""
    sends = use.messages_per_day / DAY * use.peak
    opens = use.users * use.opens / DAY * use.peak
    marks = sends * use.receipts
    requests = sends + marks + 4 * opens
    micros = (
        sends * costs.send
        + marks * costs.mark
        + opens * (costs.sync + costs.list + 2 * costs.page)
        + requests * API_US
    )
    cores = micros / 1e6 / BUSY
    a_message = costs.send + use.receipts * costs.mark + (1 + use.receipts) * API_US
    rows = costs.broadcasts + use.receipts
    stored = use.messages_per_day * MONTH_DAYS * use.months * costs.message_bytes
    told = use.messages_per_day * rows * BROADCAST_DAYS * costs.broadcast_bytes
    disk_gb = (stored + told) / 1e9
    connections = math.ceil(use.users * use.online * use.devices)
    events = sends * rows * use.devices
    month = use.messages_per_day * MONTH_DAYS * rows * (1 + use.devices)
    plan = _plan(connections, events)
    dollars = _packages(month, MESSAGES_INCLUDED, MESSAGES_PACKAGE) * MESSAGES_DOLLARS
    peak_dollars = _packages(connections, PEAK_INCLUDED, PEAK_PACKAGE) * PEAK_DOLLARS
    joining = connections / (plan or PLANS[-1]).joins
    return [
        Need("sends a second at the peak", f"{sends:,.1f}", "messages a day / 86,400 x peak"),
        Need(
            "messages a second that one core carries",
            f"{BUSY * 1e6 / a_message:,.0f}",
            "1,000,000 us / (send + receipts + their requests), at 50% busy; no reads",
        ),
        Need("requests a second at the peak", f"{requests:,.1f}", "sends + receipts + 4 x opens"),
        Need(
            "cores of the database",
            f"{cores:,.2f}",
            f"sends x {costs.send:,.0f} us + receipts x {costs.mark:,.0f} + opens x"
            f" ({costs.sync:,.0f} + {costs.list:,.0f} + 2 x {costs.page:,.0f}) + requests x"
            f" {API_US:,.0f} (assumed), at {BUSY:.0%} busy",
        ),
        Need(
            "disk",
            f"{disk_gb:,.1f} GB",
            f"messages of {use.months:g} months x {costs.message_bytes:,.0f} bytes +"
            f" {BROADCAST_DAYS} days of broadcasts x {costs.broadcast_bytes:,.0f}",
        ),
        Need(
            "write-ahead log",
            f"{use.messages_per_day * costs.wal_bytes / 1e9:,.2f} GB a day",
            f"messages a day x {costs.wal_bytes:,.0f} bytes; receipts and page images beside",
        ),
        Need("compute", _compute(cores, disk_gb), "the smallest with these cores and this disk"),
        Need("connections at the peak", f"{connections:,}", "users x online x devices"),
        Need(
            "Realtime events a second",
            f"{events:,.1f}",
            "sends x (broadcasts + receipts) x devices",
        ),
        Need(
            "Realtime plan",
            plan.name if plan else "by agreement, or a Realtime of one's own",
            "the smallest whose connections and events a second suffice",
        ),
        Need(
            "after a storm all are back in",
            f"{joining:,.0f} s",
            "connections / the plan's joins a second",
        ),
        Need(
            "Realtime messages a month",
            f"{month / 1e6:,.1f} million, ${dollars:,.2f}",
            "messages x (broadcasts + receipts) x (1 sent + devices that hear it); Pro's price",
        ),
        Need(
            "peak connections",
            f"${peak_dollars:,.2f}",
            "beyond 500, a package of 1,000; Pro's price",
        ),
    ]


def as_table(needs: Sequence[Need]) -> str:
    """A Markdown table."""
    lines = ["| what | needs | formula |", "|---|---|---|"]
    return "\n".join(lines + [f"| {n.what} | {n.value} | {n.formula} |" for n in needs])


def _plan(connections: float, events: float) -> RealtimePlan | None:
    fitting = (p for p in PLANS if p.connections >= connections and p.events >= events)
    return next(fitting, None)


def _compute(cores: float, disk_gb: float) -> str:
    for size in COMPUTE:
        if size.cores >= cores and size.disk_gb >= disk_gb:
            shared = COMPUTE.index(size) < [c.name for c in COMPUTE].index(DEDICATED_FROM)
            kind = "shared" if shared else "dedicated"
            return f"{size.name}: {size.cores} {kind} cores, about ${size.dollars:,} a month"
    return "more than one machine"


def _packages(amount: float, included: int, package: int) -> int:
    return max(0, math.ceil((amount - included) / package))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="capacity", description="What an amount of use needs; docs/SCALING.md explains it."
    )
    usual = Use(1, 1)
    parser.add_argument("--users", type=int, required=True, help="active in a month")
    parser.add_argument("--messages-per-day", type=int, required=True, help="of all of them")
    for name, text in (
        ("peak", "the busiest seconds beside the day's mean"),
        ("online", "part of the users who are connected at the busiest time"),
        ("devices", "connected devices of each of those"),
        ("opens", "how often a user opens the app in a day"),
        ("receipts", "receipts told for each message"),
        ("months", "how long messages are kept"),
    ):
        value = getattr(usual, name)
        parser.add_argument(f"--{name}", type=float, default=value, help=f"{text} ({value:g})")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="of another run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
