"""A sandbox that tells a receiver what happens, for one test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette

from scripts.dev.razorpay_sandbox.app import create_app
from scripts.dev.razorpay_sandbox.client import KEY_ID, KEY_SECRET, WEBHOOK_SECRET, SandboxClient
from scripts.dev.razorpay_sandbox.config import LOOPBACK, Settings
from scripts.dev.razorpay_sandbox.serving import make_server
from tests.razorpay_sandbox.support import Receiver, running_receiver

SETTINGS = Settings(KEY_ID, KEY_SECRET, WEBHOOK_SECRET)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where the webhooks go."""
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="package")
def _server() -> Iterator[tuple[BlockingPortal, Starlette, str]]:
    with socket.create_server((LOOPBACK, 0)) as listener, start_blocking_portal() as portal:
        port = int(listener.getsockname()[1])
        server = make_server(SETTINGS, port)
        assert isinstance(server.config.app, Starlette)
        serving = portal.start_task_soon(server.serve, [listener])
        yield portal, server.config.app, f"http://{LOOPBACK}:{port}"
        server.should_exit = True
        serving.result()


@pytest.fixture
def sandbox(
    _server: tuple[BlockingPortal, Starlette, str], receiver: Receiver
) -> Iterator[SandboxClient]:
    """A gateway without a past; it sends again at once, and not for ever."""
    portal, app, url = _server
    fresh = create_app(replace(SETTINGS, webhook_url=receiver.url, first_pause=0.01, send_limit=3))
    fresh.state.sandbox.lines = app.state.sandbox.lines
    app.state.sandbox = fresh.state.sandbox
    with portal.wrap_async_context_manager(fresh.router.lifespan_context(fresh)):
        client = SandboxClient(url)
        yield client
        client.close()
