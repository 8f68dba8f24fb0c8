"""Keeps the schema cache: loads it, and again whenever somebody says `NOTIFY pgrst`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

from scripts.dev.local_supabase.rest.catalog import Catalog, load
from scripts.dev.local_supabase.rest.database import Pool
from scripts.dev.local_supabase.rest.errors import ApiError

CHANNEL = "pgrst"
PATIENCE = 5.0  # seconds a request waits for a database that is starting
RETRY_DELAY = 0.2  # seconds between two tries to reach it

log = logging.getLogger(__name__)


class CatalogKeeper:
    """The newest schema cache. `reload` and `NOTIFY pgrst` make it read again."""

    def __init__(self) -> None:
        self._catalog = Catalog()
        self._fresh = asyncio.Event()
        self._awake = asyncio.Event()
        self._is_wanted = False
        self._listeners: list[asyncio.Future[None]] = []

    async def current(self) -> Catalog:
        """The schema cache, after any reload that is under way. Raises ApiError 503."""
        return await self._in_time(self._fresh.wait())

    async def settled(self) -> Catalog:
        """The same, after every notification that was sent before now has been heard."""
        heard = asyncio.get_running_loop().create_future()
        self._listeners.append(heard)
        self._awake.set()
        await self._in_time(heard)
        return await self.current()

    async def _in_time(self, wish: Awaitable[object]) -> Catalog:
        try:
            await asyncio.wait_for(wish, PATIENCE)
        except TimeoutError as error:
            said = "Could not query the database for the schema cache. Retrying."
            raise ApiError(503, "PGRST002", said) from error
        return self._catalog

    def reload(self) -> None:
        """Read the schema again soon."""
        self._is_wanted = True
        self._awake.set()

    def _expire(self, _: object) -> None:
        self._fresh.clear()
        self.reload()

    async def keep(self, dsn: str, pool: Pool) -> None:
        """Load and reload until cancelled, over a separate connection."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    dsn, autocommit=True, row_factory=dict_row
                ) as connection:
                    connection.add_notify_handler(self._expire)
                    await connection.execute(f"listen {CHANNEL}")
                    await self._follow(connection, pool)
            except psycopg.Error as error:
                if self._fresh.is_set():
                    log.warning("The REST API lost its database and tries again: %s", error)
            self._fresh.clear()
            await asyncio.sleep(RETRY_DELAY)

    async def _follow(self, connection: AsyncConnection[DictRow], pool: Pool) -> None:
        self._awake.set()
        while True:
            self._is_wanted = False
            # A prepared statement may name a type that is gone, and a connection may be dead.
            await pool.drain()
            self._catalog = await load(connection, self._catalog.timezones)
            if not self._is_wanted:
                self._fresh.set()
            while not self._is_wanted:
                await self._wait(connection.fileno())
                waiting = len(self._listeners)
                # Whatever was sent before this statement is heard when it is answered.
                await connection.execute("select 1")
                for listener in self._listeners[:waiting]:
                    if not listener.done():
                        listener.set_result(None)
                del self._listeners[:waiting]

    async def _wait(self, socket: int) -> None:
        """Return when something came over the connection or somebody asks for something."""
        loop = asyncio.get_running_loop()
        loop.add_reader(socket, self._awake.set)
        try:
            await self._awake.wait()
        finally:
            loop.remove_reader(socket)
        self._awake.clear()


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
