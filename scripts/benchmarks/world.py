"""The data that the benchmarks run on: users, conversations with a power law, their messages.

It is written through columns that every revision has. Ids are numbers: user 17 is the uuid
00000000-0000-0000-0000-000000000017, so that a pgbench script can name it by
`lpad('17', 32, '0')::uuid`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg import sql

from scripts.benchmarks.database import Connection, Side

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Size:
    """How much there is, and how often it is measured."""

    name: str
    users: int
    conversations: int
    messages: int
    # How many messages the growth row compares these with.
    grown: int
    unread: int
    rounds: int
    clients: int
    # Calls of each connection that count as cold, and where the slope of the warm ones ends.
    cold: int
    warm: int
    # Processor seconds that one measurement of a read takes at least.
    read_seconds: float
    # The messages of one user, a tenth of them expired, in the cleanup.
    cleanup: int
    # Deals whose events are measured in one round.
    deals: int


NORMAL = Size(
    name="normal",
    users=20_000,
    conversations=50_000,
    messages=200_000,
    grown=2_000_000,
    unread=400_000,
    rounds=5,
    clients=16,
    cold=300,
    warm=1_500,
    read_seconds=0.3,
    cleanup=10_000,
    deals=25,
)
LONG = replace(NORMAL, name="long", grown=5_000_000)
# Good for ratios of processor time and for log records, also on a machine that others use.
QUICK = Size(
    name="quick",
    users=2_000,
    conversations=4_000,
    messages=30_000,
    grown=300_000,
    unread=60_000,
    rounds=2,
    clients=1,
    cold=300,
    warm=500,
    read_seconds=0.15,
    cleanup=10_000,
    deals=6,
)
# For what must hold with a million messages, in minutes: `--only screens --size million`.
MILLION = replace(NORMAL, name="million", messages=1_000_000, rounds=3)
# Shows that everything works; its figures mean nothing.
SMOKE = Size(
    name="smoke",
    users=300,
    conversations=600,
    messages=5_000,
    grown=10_000,
    unread=3_000,
    rounds=1,
    clients=2,
    cold=10,
    warm=20,
    read_seconds=0.02,
    cleanup=500,
    deals=2,
)
SIZES = {size.name: size for size in (SMOKE, QUICK, NORMAL, MILLION, LONG)}

# The user with 500 conversations. Half of the partners have a lower number, half a higher one, so
# that the list is merged from both of its indexes.
READER = 800_000
READER_CONVERSATIONS = 500
# A user with five conversations, for reads that name none.
CASUAL = 900_000
CASUAL_CONVERSATIONS = 5
# A user who never read their only conversation, number 910,001.
LATE = 910_000

# Limits so high that nobody meets them: counting and comparing is part of what a send costs.
LIFT_LIMITS = """
update private.settings
set value = case
  when key like 'rate\\_%' then '{"per_second": 1000000, "burst": 1000000}'
  else '1000000'
end::jsonb
where key like 'rate\\_%' or key = 'daily_free_limit'
"""


def make_id(number: int) -> str:
    """The uuid of a user or conversation with this number."""
    return f"{number:032d}"


def make_world(side: Side, size: Size) -> None:
    """Fill an empty product with the size's users, conversations and messages."""
    with side.connect() as connection:
        connection.execute(LIFT_LIMITS)
        run_sql(connection, "setup.sql", users=size.users, conversations=size.conversations)
        with _without_indexes(connection):
            run_sql(connection, "messages.sql", messages=size.messages)
        run_sql(connection, "hints.sql")
        run_sql(connection, "floor.sql")
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def grow_world(side: Side, messages: int) -> None:
    """Add messages until there are so many."""
    with side.connect() as connection:
        (count,) = connection.execute("select count(*) from public.messages").fetchone() or (0,)
        with _without_indexes(connection):
            run_sql(connection, "messages.sql", messages=max(0, messages - count))
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def run_sql(connection: Connection, name: str, **values: int) -> None:
    """Run a file of several statements, with numbers in the place of its `:names`."""
    text = (SQL / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f":{key}", str(value))
    connection.execute(text.encode())


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    """Drop the plain indexes of public.messages for the block and make them again after it."""
    indexes = connection.execute(
        "select n.nspname, c.relname, pg_get_indexdef(c.oid)"
        " from pg_index as i join pg_class as c on c.oid = i.indexrelid"
        " join pg_namespace as n on n.oid = c.relnamespace"
        " where i.indrelid = 'public.messages'::regclass and not exists"
        " (select from pg_constraint as k where k.conindid = c.oid)"
    ).fetchall()
    for schema, name, _ in indexes:
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(schema, name)))
    yield
    for _, _, definition in indexes:
        connection.execute(definition.encode())
