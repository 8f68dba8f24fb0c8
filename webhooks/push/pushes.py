"""Sends the pushes that the database has queued: a sender for each kind."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from webhooks import metrics
from webhooks.database import Database
from webhooks.logs import log_event
from webhooks.outbox import Outbox, Row

# Gone: the device will never take one again, so its token is forgotten. Failed: try later.
# Unreachable: its host does not answer, so the host's other devices wait as well.
Result = Literal["sent", "gone", "failed", "unreachable"]


class Sender(Protocol):
    """Hands pushes of one kind to whoever delivers them. Used by several threads at once."""

    def send(self, token: str, keys: Mapping[str, str], payload: Mapping[str, Any]) -> Result:
        """Send one push within a few seconds.

        Args:
            token: the device, as `register_push_token` was given it.
            keys: what else it was given with the token.
            payload: `{type, data}`, ids and numbers only.
        """


class Pushes(Outbox):
    """The queued pushes of one project, several at once: one slow device holds up few others."""

    name = "pushes"
    at_once = 4

    def __init__(self, database: Database, senders: Mapping[str, Sender]) -> None:
        """Take the senders by their kinds, the `kind` of `register_push_token`."""
        super().__init__()
        self._database = database
        self._senders = senders

    @property
    def is_on(self) -> bool:
        """Whether there is anybody to hand the work to."""
        return bool(self._senders)

    def take(self, most: int) -> list[Row]:
        """Pushes that are due: of different users and hosts first."""
        return list(self._database.call_as_service("take_pushes", max_rows=most))

    def handle(self, row: Row) -> tuple[str, bool]:
        """Send one push and record how it fared."""
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
        except Exception as error:  # one device's fault must not keep the others from theirs
            log_event("push_broke", logging.ERROR, error=error, push_id=push["push_id"])
            return "failed"
