"""Runs one request as one transaction, in the role and with the settings that it carries."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import ExecStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from scripts.dev.local_supabase.rest.errors import ApiError

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]
Statements = Sequence[tuple[str, Mapping[str, Any]]]

POOL_SIZE = 15
POOL_TIMEOUT = 10.0  # seconds, as PostgREST's db-pool-acquisition-timeout
MAX_TRIES = 5
SKIPPED = ExecStatus.PIPELINE_ABORTED

# Of a function's own SET clauses, those that must hold before its statement starts.
HOISTED = ("statement_timeout", "default_transaction_isolation")


@dataclass(frozen=True)
class Transaction:
    """How to open the transaction of a request."""

    settings: Mapping[str, str]
    read_only: bool
    isolation: str = "read committed"


@contextlib.asynccontextmanager
async def open_pool(dsn: str) -> AsyncIterator[Pool]:
    """Connections of the role `authenticator`; a database that is away does not stop it."""
    # A connection that is closed on purpose (see _roll_back) is no news.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    pool: Pool = AsyncConnectionPool(
        dsn,
        open=False,
        min_size=1,
        max_size=POOL_SIZE,
        timeout=POOL_TIMEOUT,
        reconnect_timeout=2.0,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "application_name": "PostgREST 14.12",
            "prepare_threshold": 1,
        },
    )
    await pool.open(wait=False)
    try:
        yield pool
    finally:
        await pool.close()


async def run(
    pool: Pool, transaction: Transaction, statements: Statements, check: Callable[[DictRow], None]
) -> list[DictRow]:
    """Run statements in a transaction of their own; each gives one row.

    `check` sees the first row and may raise to roll back. PostgREST tries a serialization failure
    or a deadlock again without end; here five times. Raises BrokenBeforeCommitError.
    """
    for attempt in range(1, MAX_TRIES + 1):
        try:
            async with pool.connection() as connection:
                return await _attempt(connection, transaction, statements, check)
        except PoolTimeout as error:
            said = "Timed out acquiring connection from connection pool."
            raise ApiError(504, "PGRST003", said) from error
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            if attempt == MAX_TRIES:
                raise
    raise AssertionError("the last try either returns or raises")


class BrokenBeforeCommitError(Exception):
    """The connection went away before COMMIT was sent: nothing has happened, try again."""


def unavailable(details: str) -> ApiError:
    """The database does not answer."""
    said = "Database client error. Retrying the connection."
    return ApiError(503, "PGRST001", said, details=details)


async def _attempt(
    connection: AsyncConnection[DictRow],
    transaction: Transaction,
    statements: Statements,
    check: Callable[[DictRow], None],
) -> list[DictRow]:
    mode = "read only" if transaction.read_only else "read write"
    cursors: list[AsyncCursor[DictRow]] = []
    try:
        async with connection.pipeline():
            await connection.execute(f"begin isolation level {transaction.isolation} {mode}")
            await connection.execute(*_set_all(transaction.settings))
            for statement in statements:
                cursors.append(await connection.execute(*statement))
            rows = [row for cursor in cursors for row in await cursor.fetchall()]
        check(rows[0])
    except psycopg.OperationalError as error:
        if connection.broken or connection.closed:
            raise BrokenBeforeCommitError(str(error)) from error
        await _roll_back(connection, len(statements), cursors)
        raise
    except BaseException:
        await _roll_back(connection, len(statements), cursors)
        raise
    await connection.execute("commit")
    return rows


async def _roll_back(
    connection: AsyncConnection[DictRow], count: int, cursors: Sequence[AsyncCursor[DictRow]]
) -> None:
    with contextlib.suppress(psycopg.OperationalError):
        await connection.execute("rollback")
    # A statement behind the one that failed was skipped, and so was its PREPARE, which psycopg
    # takes for done: the pool makes a new connection in place of this one.
    done = [c for c in cursors if c.pgresult is not None and c.pgresult.status != SKIPPED]
    if len(done) < count:
        await connection.close()


def _set_all(settings: Mapping[str, str]) -> tuple[str, list[str]]:
    calls = ", ".join("set_config(%s, %s, true)" for _ in settings)
    return f"select {calls}", [part for pair in settings.items() for part in pair]
