"""Keeps the schema cache: loads it, and again whenever somebody says `NOTIFY pgrst`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from scripts.local_supabase.rest.catalog import Catalog, load
from scripts.local_supabase.rest.database import Pool
from scripts.local_supabase.rest.errors import ApiError

CHANNEL = "pgrst"
PATIENCE = 5.0  # seconds a request waits for a database that is starting
RETRY_DELAY = 0.2  # seconds between two tries to reach it

log = logging.getLogger(__name__)


class CatalogKeeper:
    """The newest schema cache. `reload` and `NOTIFY pgrst` make it read again."""

    def __init__(self) -> None:
        self._catalog = Catalog()
        self._fresh = asyncio.Event()
        self._wanted = asyncio.Event()

    async def current(self) -> Catalog:
        """The schema cache, after any reload that is under way. Raises ApiError 503."""
        try:
            await asyncio.wait_for(self._fresh.wait(), PATIENCE)
        except TimeoutError as error:
            said = "Could not query the database for the schema cache. Retrying."
            raise ApiError(503, "PGRST002", said) from error
        return self._catalog

    def reload(self) -> None:
        """Read the schema again soon."""
        self._wanted.set()

    async def keep(self, dsn: str, pool: Pool) -> None:
        """Load and reload until cancelled, over a connection of its own."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    dsn, autocommit=True, row_factory=dict_row
                ) as connection:
                    await pool.check()
                    await self._follow(connection)
            except psycopg.Error as error:
                log.warning("the REST API lost its database and tries again: %s", error)
            self._fresh.clear()
            await asyncio.sleep(RETRY_DELAY)

    async def _follow(self, connection: AsyncConnection[DictRow]) -> None:
        await connection.execute(f"listen {CHANNEL}")
        connection.add_notify_handler(lambda _: self._expire())
        while True:
            self._wanted.clear()
            self._catalog = await load(connection, self._catalog.timezones)
            if not self._wanted.is_set():
                self._fresh.set()
            while not self._wanted.is_set():
                await self._wait(connection)

    def _expire(self) -> None:
        self._fresh.clear()
        self._wanted.set()

    async def _wait(self, connection: AsyncConnection[DictRow]) -> None:
        """Return when something came over the connection or a reload is wanted."""
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(connection.fileno(), readable.set)
        try:
            waiting = [asyncio.ensure_future(e.wait()) for e in (self._wanted, readable)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(connection.fileno())
            for task in waiting:
                task.cancel()
        await connection.execute("select 1")  # takes in what has arrived


@contextlib.asynccontextmanager
async def open_keeper(dsn: str, pool: Pool) -> AsyncIterator[CatalogKeeper]:
    """A keeper that is at work until the end."""
    keeper = CatalogKeeper()
    task = asyncio.create_task(keeper.keep(dsn, pool))
    try:
        yield keeper
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
