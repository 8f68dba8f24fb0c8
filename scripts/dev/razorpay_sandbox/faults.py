"""Answers that go wrong on purpose, down to connections that end in the middle."""

from __future__ import annotations

import asyncio
import socket
import struct

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from scripts.dev.razorpay_sandbox.bodies import (
    conflict,
    server_error,
    too_many_requests,
    unauthorized,
)
from scripts.dev.razorpay_sandbox.switches import Fault

# Seconds that a caller without a deadline of its own waits for nothing.
SILENCE = 60.0
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"

Lines = dict[tuple[str, int], asyncio.Transport]


def make_protocol(lines: Lines) -> type[H11Protocol]:
    """HTTP that notes the connection of each client, so that an answer can hang up on it."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client:
                lines[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client:
                lines.pop(self.client, None)
            super().connection_lost(exc)

    return Protocol


class HangUp(Response):
    """Ends the connection without a byte; `reset` does so rudely (TCP RST)."""

    def __init__(self, lines: Lines, *, reset: bool, after: float = 0) -> None:
        super().__init__()
        self._lines, self._reset, self._after = lines, reset, after

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Wait as long as asked, or until the client hangs up first."""
        try:
            async with asyncio.timeout(self._after):
                await _gone(receive)
        except TimeoutError:
            line = self._lines[tuple(scope["client"])]
            if self._reset:
                linger = struct.pack("ii", 1, 0)  # on, 0 seconds: what makes close() a reset
                line.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            line.abort()
            await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def faulty(fault: Fault, lines: Lines) -> Response:
    """The answer of a call that ends in this fault."""
    if fault == "timeout":
        return HangUp(lines, reset=False, after=SILENCE)
    if fault in ("reset", "lost_response"):
        return HangUp(lines, reset=fault == "reset")
    if fault == "html_502":
        return HTMLResponse(BAD_GATEWAY, 502)
    makers = {
        "500": server_error,
        "429": too_many_requests,
        "409": conflict,
        "401": unauthorized,
    }
    error = makers[fault]()
    return JSONResponse(error.body, error.status)
