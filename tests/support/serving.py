"""Serves an ASGI app of the local stack on a port of this machine, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

import uvicorn
from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp

from scripts.dev.local_supabase.config import LOOPBACK
from scripts.dev.local_supabase.realtime.protocol import WebSocketProtocol


@asynccontextmanager
async def served(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """The app, in the running loop."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=LOOPBACK,
            port=port,
            ws=WebSocketProtocol,
            ws_ping_interval=None,
            ws_max_size=5_000_000,
            lifespan="off",
            log_level="warning",
            date_header=False,
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)  # uvicorn has no event for it
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@contextmanager
def served_in_a_thread(opened: AbstractAsyncContextManager[ASGIApp], port: int) -> Iterator[None]:
    """The app that is opened, in a loop of its own."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[None]:
        async with opened as app, served(app, port):
            yield

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve()):
        yield
