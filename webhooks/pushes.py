"""Sends the pushes that the database has queued: a sender for each kind; when, says `drains`."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from webhooks import metrics
from webhooks.database import Database
from webhooks.drains import Drain
from webhooks.logs import log_event

# With the one push that may have begun just before, two rounds end within gunicorn's
# graceful_timeout.
BUDGET_SECONDS = 5.0

# Gone: the device will never take one again, so its token is forgotten. Failed: try later.
Result = Literal["sent", "gone", "failed"]


class Sender(Protocol):
    """Hands pushes of one kind to whoever delivers them. Used by several threads at once."""

    def send(self, token: str, keys: Mapping[str, str], payload: Mapping[str, Any]) -> Result:
        """Send one push within a few seconds.

        Args:
            token: the device, as `register_push_token` was given it.
            keys: what else it was given with the token.
            payload: `{type, data}`, ids and numbers only.
        """


class Pushes:
    """The outbox of one project, drained on touch. Safe to share between threads."""

    def __init__(self, database: Database, senders: Mapping[str, Sender]) -> None:
        """Take the senders by their kinds, the `kind` of `register_push_token`."""
        self._database = database
        self._senders = senders
        self._drain = Drain("pushes", self.drain)

    def touch(self) -> None:
        """Have what is due sent in the background; without senders it stays queued."""
        if self._senders:
            self._drain.touch()

    def drain(self) -> None:
        """Send what is due until there is no more or time is up.

        Raises:
            ApiError: when the database cannot be asked.
        """
        ends_at = time.monotonic() + BUDGET_SECONDS
        results: Counter[Result] = Counter()
        while time.monotonic() < ends_at:
            # One at a time: what has been taken counts as tried, and is due again only later.
            taken = self._database.call_as_service("take_pushes", max_rows=1)
            if not taken:
                break
            for push in taken:
                result = self._send(push)
                metrics.PUSHES.labels(kind=push["kind"], result=result).inc()
                self._database.call_as_service(
                    "record_push_result", push_id=push["push_id"], result=result
                )
                results[result] += 1
        if results:
            log_event(
                "pushes_drained",
                sent=results["sent"],
                gone=results["gone"],
                failed=results["failed"],
            )

    def _send(self, push: Mapping[str, Any]) -> Result:
        sender = self._senders.get(push["kind"])
        if sender is None:
            log_event("push_kind_unknown", logging.ERROR, kind=push["kind"])
            return "failed"
        try:
            return sender.send(push["token"], push["keys"], push["payload"])
        except Exception as error:  # one device's fault must not keep the others from theirs
            log_event("push_broke", logging.ERROR, error=error, push_id=push["push_id"])
            return "failed"
