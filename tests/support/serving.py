"""Serves the local stack's API on a port of this machine: one app in this process, or all of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

import httpx
import uvicorn
from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp

from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.config import LOOPBACK, Settings
from scripts.dev.local_supabase.realtime.protocol import WebSocketProtocol
from tests.support.stacks import ROOT


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


class Server:
    """A process that serves a project's whole API, and can be killed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.save()
        self.start()

    def start(self) -> None:
        """Serve, and return when it answers."""
        with (self.settings.data_dir / "api.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [
                    *(sys.executable, "-m", "scripts.dev.local_supabase.server"),
                    self.settings.data_dir,
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        postgres.wait_until(self._answers, 30, "the server does not answer")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.settings.api_url}/health").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()
