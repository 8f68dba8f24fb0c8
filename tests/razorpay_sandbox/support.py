"""An address that takes webhooks and answers what a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import razorpay  # type: ignore[import-untyped]

from scripts.dev.razorpay_sandbox.client import KEY_ID, KEY_SECRET, SandboxClient


@dataclass(frozen=True)
class Taken:
    """One webhook as it came."""

    body: bytes
    headers: dict[str, str]

    @property
    def id(self) -> str:
        """Of the event."""
        return self.headers["x-razorpay-event-id"]


@dataclass
class Receiver:
    """What came so far, the oldest first; `statuses` are answered one by one, then 200.

    `arrivals` can be acquired once for each webhook that came, answered or not.
    """

    url: str = ""
    taken: list[Taken] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)
    arrivals: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver on a free port; it answers unless `answering` is cleared."""
    receiver = Receiver()
    receiver.answering.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.taken.append(Taken(body, headers))
            receiver.arrivals.release()
            receiver.answering.wait()
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.answering.set()
            server.shutdown()
            thread.join()


def sdk(sandbox: SandboxClient, key_secret: str = KEY_SECRET) -> Any:
    """Razorpay's own client, pointed at the sandbox."""
    return razorpay.Client(auth=(KEY_ID, key_secret), base_url=sandbox.url)


def new_order(sandbox: SandboxClient, amount: int = 500000, **more: Any) -> Any:
    """An order as the SDK makes it."""
    return sdk(sandbox).order.create({"amount": amount, "currency": "INR", **more})


def refund(
    sandbox: SandboxClient, payment_id: str, amount: int, key: str | None = None, **more: Any
) -> Any:
    """A refund as the SDK asks for it."""
    headers = {} if key is None else {"X-Refund-Idempotency": key}
    return sdk(sandbox).payment.refund(payment_id, {"amount": amount, **more}, headers=headers)
