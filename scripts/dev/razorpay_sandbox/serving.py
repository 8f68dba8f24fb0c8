"""The sandbox as a server on loopback."""

from __future__ import annotations

import uvicorn

from scripts.dev.razorpay_sandbox.app import create_app
from scripts.dev.razorpay_sandbox.config import LOOPBACK, Settings
from scripts.dev.razorpay_sandbox.faults import make_protocol


def make_server(settings: Settings, port: int) -> uvicorn.Server:
    """A server that is not running yet; every answer of it says that it is the sandbox."""
    app = create_app(settings)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=LOOPBACK,
            port=port,
            http=make_protocol(app.state.sandbox.lines),
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            headers=[("X-Razorpay-Sandbox", "no money moves")],
            timeout_graceful_shutdown=1,
        )
    )
