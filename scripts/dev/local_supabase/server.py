"""The process that serves the four protocols on one port; `cli.py` starts and stops it."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TextIO

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.dev.local_supabase.auth import open_auth
from scripts.dev.local_supabase.config import LOCK, LOOPBACK, Settings
from scripts.dev.local_supabase.gateway import Gateway
from scripts.dev.local_supabase.realtime import open_realtime
from scripts.dev.local_supabase.realtime.protocol import WebSocketProtocol
from scripts.dev.local_supabase.rest import open_rest
from scripts.dev.local_supabase.storage import open_storage


def create_app(settings: Settings) -> Starlette:
    """The whole stack as one ASGI app; its lifespan opens and closes every protocol."""
    opened: dict[str, ASGIApp] = {}

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            opened["gateway"] = Gateway(
                settings,
                {
                    "rest": await stack.enter_async_context(open_rest(settings)),
                    "auth": await stack.enter_async_context(open_auth(settings)),
                    "storage": await stack.enter_async_context(open_storage(settings)),
                    "realtime": await stack.enter_async_context(open_realtime(settings)),
                },
            )
            yield

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await opened["gateway"](scope, receive, send)

    app = Starlette(lifespan=lifespan)
    app.router.default = serve  # a route's pattern would not fit a path with a line break
    return app


def run(settings: Settings) -> None:
    """Serve until told to stop. Holds a lock in the data folder, so that it runs once."""
    with (settings.data_dir / LOCK).open("a+", encoding="utf-8") as lock:
        if not _take(lock):
            sys.exit(f"The stack in {settings.data_dir} is being served already.")
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        # A refused statement is answered; psycopg adds a line for each that was sent behind it.
        logging.getLogger("psycopg").addFilter(lambda record: "terminating" not in record.msg)
        uvicorn.run(
            create_app(settings),
            host=LOOPBACK,
            port=settings.port,
            ws=WebSocketProtocol,
            ws_ping_interval=None,  # Realtime's clients send heartbeats of their own
            ws_per_message_deflate=False,  # Phoenix declines it; it takes 0.1 MB a socket
            ws_max_size=5_000_000,  # Realtime closes with 1009 above this (transcript 16b)
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
        )


def _take(lock: TextIO) -> bool:
    """Lock the file; tries for a second, since cli.py holds it shared for a moment to look."""
    for _ in range(20):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


if __name__ == "__main__":
    run(Settings.load(Path(sys.argv[1])))
