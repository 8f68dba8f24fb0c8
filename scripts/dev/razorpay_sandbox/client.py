"""Moves a sandbox from Python: what the customer, their bank and the network do.

A client may be shared by threads; from asyncio call it through `asyncio.to_thread`.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from scripts.dev.razorpay_sandbox.books import Body
from scripts.dev.razorpay_sandbox.config import LOOPBACK, Settings, require_harmless
from scripts.dev.razorpay_sandbox.serving import make_server

KEY_ID = "rzp_test_SandboxParley0"
KEY_SECRET = "sandbox-key-secret"  # noqa: S105  of a gateway without money
WEBHOOK_SECRET = "sandbox-webhook-secret"  # noqa: S105
# Seconds that the server may need to answer, beside those that it was asked to wait.
PATIENCE = 15.0


class SandboxClient:
    """A running sandbox; every method answers its JSON and raises httpx.HTTPStatusError."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/sandbox", timeout=PATIENCE, trust_env=False)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def pay(self, order_id: str, method: str = "upi", outcome: str = "captured") -> Body:
        """Pay an order as the customer does; the answer is what checkout hands to the page."""
        return self._call("POST", f"/orders/{order_id}/pay", method=method, outcome=outcome)

    def fail(self, order_id: str, method: str = "upi") -> Body:
        """Try to pay an order, in vain; the answer is checkout's error."""
        return self.pay(order_id, method, "failed")

    def capture(self, payment_id: str) -> Body:
        """Capture an authorised payment, or a `late` one."""
        return self._call("POST", f"/payments/{payment_id}/capture")

    def dispute(self, payment_id: str, event: str = "created", **details: Any) -> Body:
        """Open a dispute, or move it on (under_review, action_required, won, lost, closed)."""
        return self._call("POST", f"/payments/{payment_id}/dispute", event=event, **details)

    def refund(self, payment_id: str, **request: Any) -> Body:
        """Give money back as somebody in the Dashboard does: the app did not ask for it."""
        return self._call("POST", f"/payments/{payment_id}/refund", **request)

    def process_refund(self, refund_id: str) -> Body:
        """Let a pending refund arrive."""
        return self._call("POST", f"/refunds/{refund_id}/process")

    def fail_refund(self, refund_id: str) -> Body:
        """Let a pending refund fail."""
        return self._call("POST", f"/refunds/{refund_id}/fail")

    def switches(self, **sections: Any) -> Body:
        """Change switches, by section; without any only show them."""
        return self._call("PUT", "/switches", **sections)

    def reset_switches(self) -> Body:
        """Let nothing go wrong any more."""
        return self._call("DELETE", "/switches")

    def release(self, order: str = "given", seed: int = 0) -> list[str]:
        """Send the held events as given, reversed or shuffled; their ids in that order."""
        ids: list[str] = self._call("POST", "/webhooks/release", order=order, seed=seed)["released"]
        return ids

    def set_webhook_secret(self, secret: str | None) -> None:
        """Sign new events with another secret; None: with none."""
        self._call("POST", "/webhook-secret", secret=secret)

    def deliveries(self, **query: str) -> Body:
        """All events and every attempt to send them; `event` narrows it to one kind."""
        return self._answer(self._http.get("/deliveries", params=query))

    def replay(self, event_id: str) -> Body:
        """Send an event once more."""
        return self._call("POST", f"/deliveries/{event_id}/replay")

    def wait_until_delivered(
        self, subject: str, event: str | None = None, timeout: float = 10.0
    ) -> Body:
        """The answer of `deliveries`, once every event about this id (of one kind) has arrived.

        Args:
            subject: the id of an event, payment, order, refund or dispute.
            event: the kind, such as `order.paid`.
            timeout: seconds; at most 60.

        Raises:
            TimeoutError: there is none, or one did not arrive.
        """
        query = {"until": subject, "timeout": str(timeout)} | ({"event": event} if event else {})
        said = self._answer(self._http.get("/deliveries", params=query, timeout=timeout + PATIENCE))
        if not said["delivered"]:
            states = [f"{one['event']} is {one['state']}" for one in said["events"]]
            raise TimeoutError(f"{subject}: {', '.join(states) or 'no such event'}")
        return said

    def _call(self, verb: str, path: str, /, **body: Any) -> Body:
        return self._answer(self._http.request(verb, path, json=body))

    @staticmethod
    def _answer(response: httpx.Response) -> Body:
        response.raise_for_status()
        body: Body = response.json()
        return body


@contextmanager
def running_sandbox(
    webhook_url: str | None = None, *, port: int = 0, **settings: Any
) -> Iterator[SandboxClient]:
    """A sandbox in a thread of this process, stopped at the end.

    Args:
        webhook_url: where events go; None loses them.
        port: where it listens; 0 takes a free one.
        settings: of `Settings`, in place of this module's keys and Razorpay's own habits.

    Raises:
        SettingsError: the sandbox must not run here.
    """
    keys = {"key_id": KEY_ID, "key_secret": KEY_SECRET, "webhook_secret": WEBHOOK_SECRET}
    told = Settings(**{**keys, **settings}, webhook_url=webhook_url)
    require_harmless(os.environ, told.key_id)
    # Listening before the thread runs: a call that comes early waits its turn.
    with socket.create_server((LOOPBACK, port)) as listener:
        bound = int(listener.getsockname()[1])
        server = make_server(told, bound)
        thread = threading.Thread(target=server.run, args=([listener],), name="razorpay-sandbox")
        thread.start()
        client = SandboxClient(f"http://{LOOPBACK}:{bound}")
        try:
            client.switches()  # answered: it is up
            yield client
        finally:
            client.close()
            server.should_exit = True
            thread.join()
