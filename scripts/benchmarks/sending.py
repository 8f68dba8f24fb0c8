"""Goals 1 and 2: what a send costs beside a bare insert into the same table, with its indexes."""

from __future__ import annotations

from scripts.benchmarks.cluster import Server
from scripts.benchmarks.meters import Spent
from scripts.benchmarks.pgbench import BenchmarkError, Script, compose, run_script
from scripts.benchmarks.report import Row, middle, ratio
from scripts.benchmarks.world import Connection, Size, settle

CLIENTS = 16
PICK = ("pick_by_power_law", "pick_member")

BARE = compose("bare insert", "postgres", *PICK, "insert_bare")
SEND = compose("send_message", "authenticated", *PICK, "send_message")
BARE_ENVELOPED = compose(
    "bare insert in PostgREST's envelope",
    "authenticator",
    *PICK,
    "insert_bare",
    api_role="service_role",
)
SEND_ENVELOPED = compose(
    "send_message in PostgREST's envelope",
    "authenticator",
    *PICK,
    "send_message",
    api_role="authenticated",
)

# Messages, sends counted at the accounts, the conversations' heads, broadcasts: each send adds one
# to the first three and three to the last.
COUNTS = """
select
  -- The bare insert's conversations have numbers above these.
  (select count(*) from public.messages where conversation_id < bench.id(1000000000000)),
  (select sum(messages_sent_today) from private.accounts),
  (select sum(last_seq) from public.conversations),
  (select count(*) from realtime.messages),
  (select last_value from private.broadcast_failures where is_called)
"""


def measure_sends(server: Server, size: Size) -> list[Row]:
    """Goals 1 and 2."""
    spent = interleave(server, size, [BARE, SEND, BARE_ENVELOPED, SEND_ENVELOPED])
    return [
        compare("1", spent, SEND, BARE, 0.45, max_cpu=2.4, max_wal=21),
        compare("2", spent, SEND_ENVELOPED, BARE_ENVELOPED, 0.58),
    ]


def interleave(
    server: Server, size: Size, scripts: list[Script], clients: int = CLIENTS
) -> dict[str, list[Spent]]:
    """Run every script once in every round, starting with another one each time."""
    spent: dict[str, list[Spent]] = {script.name: [] for script in scripts}
    with server.connect() as watcher:
        for turn in range(size.rounds):
            settle(watcher)
            shift = turn % len(scripts)
            for script in scripts[shift:] + scripts[:shift]:
                before = count(watcher)
                spent[script.name].append(run_script(server, script, size, clients))
                sends = 0 if "bare" in script.name else clients * size.transactions
                check_sends(script.name, before, count(watcher), sends)
    return spent


def compare(
    goal: str,
    spent: dict[str, list[Spent]],
    script: Script,
    floor: Script,
    least: float,
    max_cpu: float | None = None,
    max_wal: float | None = None,
) -> Row:
    """The row of one script against its floor: throughput, and what one call costs."""
    ours, bare = spent[script.name], spent[floor.name]
    rate, cpu = ratio(ours, bare, "rate"), ratio(ours, bare, "cpu_us")
    records = middle(ours, "wal_per_call")
    bound = f">= {least}x msgs/s"
    met = rate >= least
    if max_cpu is not None and max_wal is not None:
        bound += f", CPU <= {max_cpu}x, <= {max_wal:.0f} WAL records"
        met = met and cpu <= max_cpu and records <= max_wal
    return Row(
        goal,
        f"{script.name} against {floor.name}",
        f"{rate:.2f}x ({middle(ours, 'rate'):,.0f} of {middle(bare, 'rate'):,.0f} msgs/s)",
        bound,
        met,
        cpu,
        middle(ours, "cpu_us"),
        records,
        middle(ours, "wal_bytes") / ours[0].calls,
        middle(bare, "cpu_us"),
        middle(ours, "rate"),
    )


def count(connection: Connection) -> tuple[int, ...]:
    """What sends leave behind; see COUNTS."""
    row = connection.execute(COUNTS.encode()).fetchone()
    return tuple(int(value or 0) for value in row or ())


def check_sends(name: str, before: tuple[int, ...], after: tuple[int, ...], sends: int) -> None:
    """Refuse a measurement of sends that did not leave what they must.

    Raises:
        BenchmarkError: says what is missing.
    """
    grown = tuple(b - a for a, b in zip(before, after, strict=True))
    wanted = (sends, sends, sends, 3 * sends, 0)
    if grown != wanted:
        raise BenchmarkError(
            f"{name}: messages, sends counted, heads, broadcasts and lost broadcasts grew by "
            f"{grown}, not by {wanted}"
        )
