"""A stand-in between the app and its Supabase, which can stop an answer or its question on the way.

Everything else it passes on as it is. That is how a process is caught between two steps.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

# Longer than the app waits for anything; whoever is still held then lets go.
PATIENCE = 20.0
# What describes one connection only: RFC 9110, section 7.6.1.
OWN_HEADERS = ("host", "connection", "content-length", "transfer-encoding", "content-encoding")


class Hold:
    """A function whose calls are caught; `release` lets them go on, `lose` ends them."""

    def __init__(self, function: str, *, answered: bool) -> None:
        """Catch the call of this function: before Supabase hears of it, or with its answer."""
        self.path = f"/rest/v1/rpc/{function}"
        self.answered = answered
        self.release = threading.Event()
        self._is_caught = threading.Event()
        self._is_lost = False

    def catch(self) -> bool:
        """Keep the caller waiting; whether it may go on then."""
        self._is_caught.set()
        self.release.wait(PATIENCE)
        return not self._is_lost

    def lose(self) -> None:
        """Let what is caught never arrive."""
        self._is_lost = True
        self.release.set()

    def wait(self) -> None:
        """Return when a call is caught."""
        assert self._is_caught.wait(PATIENCE), f"nobody called {self.path}"


class Relay:
    """The stand-in: its address, and whom it holds."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.hold: Hold | None = None

    @contextmanager
    def holding(self, function: str, *, answered: bool = False) -> Iterator[Hold]:
        """Catch calls of a function; those still held at the end go on."""
        self.hold = hold = Hold(function, answered=answered)
        try:
            yield hold
        finally:
            self.hold = None
            hold.release.set()


@contextmanager
def running_relay(target: str) -> Iterator[Relay]:
    """The stand-in in front of a Supabase, on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {k: v for k, v in self.headers.items() if k.lower() not in OWN_HEADERS}
            hold = relay.hold
            is_held = hold is not None and self.path == hold.path
            if hold is not None and is_held and not hold.answered and not hold.catch():
                self.close_connection = True
                return
            answer = upstream.request(self.command, self.path, content=body, headers=kept)
            if hold is not None and is_held and hold.answered and not hold.catch():
                self.close_connection = True
                return
            try:
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in OWN_HEADERS:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)
            except OSError:  # whoever asked is gone, as some tests want it
                self.close_connection = True

        do_GET = do_POST = _pass_on  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    relay = Relay(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    with httpx.Client(base_url=target, timeout=PATIENCE) as upstream:
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
