"""The data that the benchmarks run on: users, conversations with a power law, their messages.

Ids are numbers: user 17 is the uuid 00000000-0000-0000-0000-000000000017, so that a pgbench script
can name it by `lpad('17', 32, '0')::uuid`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from scripts.benchmarks.cluster import Server

SQL = Path(__file__).parent / "sql"

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Size:
    """How much there is, and how often it is measured."""

    name: str
    users: int
    conversations: int
    messages: int
    # How large the messages grow for the goals that compare two sizes; None leaves those out.
    grown: int | None
    rounds: int
    # Transactions of each of the clients in one round.
    transactions: int
    # Processor seconds that one measurement of a read takes at least.
    read_seconds: float
    # The messages of one user, a tenth of them expired, in the cleanup; and how often.
    cleanup: int
    quota_runs: int


SIZES = {
    size.name: size
    for size in (
        Size("smoke", 300, 600, 5_000, None, 1, 15, 0.02, 500, 1),
        Size("quick", 20_000, 50_000, 200_000, None, 5, 300, 0.3, 10_000, 10),
        Size("full", 20_000, 50_000, 200_000, 5_000_000, 3, 300, 0.3, 10_000, 100),
    )
}

# The user with 500 conversations. Half of the partners have a lower number, half a higher one, so
# that the list is merged from both of its indexes.
READER = 800_000
READER_CONVERSATIONS = 500
# A user with five conversations, for reads that name none.
CASUAL = 900_000
CASUAL_CONVERSATIONS = 5

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


def make_world(server: Server, size: Size, say: Callable[[str], None]) -> None:
    """Fill an empty product with the size's users, conversations and messages."""
    started = time.perf_counter()
    with server.connect() as connection:
        connection.execute(LIFT_LIMITS)
        _run(connection, "setup.sql", {"users": size.users, "conversations": size.conversations})
        with _without_indexes(connection):
            _run(connection, "messages.sql", {"messages": size.messages})
        settle(connection)
    say(f"{size.messages:,} messages in {time.perf_counter() - started:.0f} s")


def grow_world(server: Server, size: Size, say: Callable[[str], None]) -> None:
    """Add messages until there are as many as the grown size says."""
    started = time.perf_counter()
    with server.connect() as connection:
        (count,) = connection.execute("select count(*) from public.messages").fetchone() or (0,)
        with _without_indexes(connection):
            _run(connection, "messages.sql", {"messages": (size.grown or 0) - count})
        settle(connection)
    say(f"{size.grown:,} messages in {time.perf_counter() - started:.0f} s")


def settle(connection: Connection) -> None:
    """Do now what the server would do on its own time."""
    connection.execute("vacuum analyze")
    connection.execute("checkpoint")


def _run(connection: Connection, name: str, values: dict[str, int]) -> None:
    text = (SQL / name).read_text(encoding="utf-8")
    # Not parameters: a file holds several statements.
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
