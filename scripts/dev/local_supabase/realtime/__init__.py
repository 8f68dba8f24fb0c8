"""Supabase Realtime's protocol: channels, broadcast, presence, postgres_changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.postgres import SUPERUSER, StackError
from scripts.dev.local_supabase.realtime import wal
from scripts.dev.local_supabase.realtime.authorization import Pool
from scripts.dev.local_supabase.realtime.changes import Changes
from scripts.dev.local_supabase.realtime.http import RateLimit, broadcast_batch, broadcast_one, ping
from scripts.dev.local_supabase.realtime.hub import Hub
from scripts.dev.local_supabase.realtime.socket import serve_websocket

POOL_SIZE = 4
# How long a start waits for the database, so that what is sent right after it is heard.
START_PATIENCE = 20.0
JANITOR_INTERVAL = 4 * 3600.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_realtime(settings: Settings) -> AsyncIterator[ASGIApp]:
    """Serve Realtime on its own paths: /socket/websocket and /api/broadcast."""
    dsn = settings.dsn(SUPERUSER)
    pool: Pool = AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=POOL_SIZE,
        open=False,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "options": "-c timezone=UTC"},
    )
    async with pool:
        hub = Hub(settings, pool, Changes(pool))
        await hub.maintain_partitions()
        tasks = [
            asyncio.create_task(work)
            for work in (
                wal.follow(dsn, hub.handle, hub.replication_ready),
                hub.changes.work(),
                _clean(hub),
            )
        ]
        try:
            await _await_replication(hub)
            yield _app(hub)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _await_replication(hub: Hub) -> None:
    try:
        async with asyncio.timeout(START_PATIENCE):
            await hub.replication_ready.wait()
    except TimeoutError as error:
        raise StackError(
            f"Realtime could not follow the database within {START_PATIENCE:.0f} s: "
            "end the transactions that are open, and see that replication slots are free."
        ) from error


def _app(hub: Hub) -> Starlette:
    async def websocket(socket: WebSocket) -> None:
        await serve_websocket(hub, socket)

    app = Starlette(
        routes=[
            WebSocketRoute("/socket/websocket", websocket),
            Route("/api/broadcast", broadcast_batch, methods=["POST"]),
            Route("/api/broadcast/{topic:path}/events/{event}", broadcast_one, methods=["POST"]),
            Route("/api/ping", ping),
        ],
        middleware=[Middleware(RateLimit)],
    )
    app.state.hub = hub
    return app


async def _clean(hub: Hub) -> None:
    """Make the partitions of the coming days and drop old ones, now and then."""
    while True:
        await asyncio.sleep(JANITOR_INTERVAL)
        with contextlib.suppress(psycopg.Error):
            await hub.maintain_partitions()
