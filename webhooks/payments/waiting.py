"""Applies stored events of Razorpay that wait because their deal was locked."""

from __future__ import annotations

from webhooks import metrics
from webhooks.database import Database
from webhooks.outbox import Outbox, Row


class WaitingEvents(Outbox):
    """Stored events that no webhook call could apply; one transaction each."""

    name = "events"
    most = 20

    def __init__(self, database: Database, *, is_on: bool) -> None:
        """Without Razorpay's settings there are no events."""
        super().__init__()
        self._database = database
        self._is_on = is_on

    @property
    def is_on(self) -> bool:
        """Whether the app has Razorpay's settings."""
        return self._is_on

    def take(self, most: int) -> list[Row]:
        """Apply the next due event; the database takes and applies it in one call."""
        said: Row = self._database.call_as_service("apply_waiting_event")
        return [said] if said["event_row_id"] is not None else []

    def handle(self, row: Row) -> tuple[str, bool]:
        """Count the outcome."""
        metrics.WEBHOOK_OUTCOMES.labels(outcome=row["outcome"]).inc()
        return row["outcome"], True
