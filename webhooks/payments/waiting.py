"""Applies events of Razorpay that are stored and wait: somebody held their deal."""

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
        """Whether there is anybody to hand the work to."""
        return self._is_on

    def take(self, most: int) -> list[Row]:
        """Apply the event that is due; the database takes and does in one call."""
        said: Row = self._database.call_as_service("apply_waiting_event")
        return [said] if said["event_row_id"] is not None else []

    def handle(self, row: Row) -> tuple[str, bool]:
        """Count what it came to."""
        metrics.WEBHOOK_OUTCOMES.labels(outcome=row["outcome"]).inc()
        return row["outcome"], True
