"""uvicorn's websocket protocol with a mended refusal of handshakes.

uvicorn 0.54 gives every refusal a content type and logs an error for each; the real server's
answer to an unsupported version has no content type, and a refused client is no error of ours.
"""

from __future__ import annotations

from http import HTTPStatus

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.http11 import Response


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """For uvicorn's option `ws`."""

    async def send(self, message: ASGISendEvent) -> None:
        """Write a refusal with its own headers only; leave all else to uvicorn."""
        if message["type"] != "websocket.http.response.body" or self.initial_response is None:
            await super().send(message)
            return
        status, headers, _ = self.initial_response
        phrase = HTTPStatus(status).phrase
        all_headers = Headers([*headers, ("Connection", "close")])
        self.conn.send_response(Response(status, phrase, all_headers, message["body"]))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self.handshake_complete = True
        self.transport.close()
