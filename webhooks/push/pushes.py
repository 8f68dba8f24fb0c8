"""Sends the queued pushes, with a sender for each kind."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from webhooks import metrics
from webhooks.database import Database
from webhooks.logs import log_event
from webhooks.outbox import Outbox, Row

# gone: the device takes no more pushes, so the database deletes its token. failed: try later.
# unreachable: the host does not answer, so its other devices wait as well.
Result = Literal["sent", "gone", "failed", "unreachable"]


class Sender(Protocol):
    """Sends pushes of one kind. Several threads use it at once."""

    def send(self, token: str, keys: Mapping[str, str], payload: Mapping[str, Any]) -> Result:
        """Send one push within a few seconds.

        Args:
            token: the device's, from `register_push_token`.
            keys: the keys that came with the token.
            payload: `{type, data}`, ids and numbers only.
        """


class Pushes(Outbox):
    """The queued pushes of one project, several at once, so that a slow device delays few."""

    name = "pushes"
    at_once = 4

    def __init__(self, database: Database, senders: Mapping[str, Sender]) -> None:
        """Keep the senders by the `kind` of `register_push_token`."""
        super().__init__()
        self._database = database
        self._senders = senders

    @property
    def is_on(self) -> bool:
        """Whether there is a sender."""
        return bool(self._senders)

    def take(self, most: int) -> list[Row]:
        """Due pushes: the first of each user and host before the second of any."""
        return list(self._database.call_as_service("take_pushes", max_rows=most))

    def handle(self, row: Row) -> tuple[str, bool]:
        """Send one push and record the result."""
        result = self._send(row)
        metrics.PUSHES.labels(kind=row["kind"], result=result).inc()
        self._database.call_as_service("record_push_result", push_id=row["push_id"], result=result)
        return result, True

    def _send(self, push: Mapping[str, Any]) -> Result:
        sender = self._senders.get(push["kind"])
        if sender is None:
            log_event("push_kind_unknown", logging.ERROR, kind=push["kind"])
            return "failed"
        try:
            return sender.send(push["token"], push["keys"], push["payload"])
        except Exception as error:  # a faulty device must not stop the others' pushes
            log_event("push_broke", logging.ERROR, error=error, push_id=push["push_id"])
            return "failed"
