"""Deletes the files on the database's list of deletions, through the Storage API."""

from __future__ import annotations

import logging

from webhooks import metrics
from webhooks.database import Database
from webhooks.http.errors import ApiError
from webhooks.logs import log_event
from webhooks.outbox import Outbox, Row

# In one request: Storage has a few seconds for them.
BATCH = 20


class Files(Outbox):
    """The files of one project to delete, a batch at a time.

    No result is reported: a trigger takes a file off the list when Storage deletes its object, and
    later rounds get the files that are still listed.
    """

    name = "files"

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def take(self, most: int) -> list[Row]:
        """The next batch, as one row."""
        paths = self._database.call_as_service("take_file_deletions", max_rows=BATCH)
        return [{"paths": paths}] if paths else []

    def handle(self, row: Row) -> tuple[str, bool]:
        """Have Storage delete a batch."""
        try:
            deleted = self._database.delete_files("attachments", row["paths"])
        except ApiError:
            metrics.FILES.labels(result="failed").inc(len(row["paths"]))
            return "failed", False
        left = len(row["paths"]) - deleted
        metrics.FILES.labels(result="deleted").inc(deleted)
        if left:
            metrics.FILES.labels(result="failed").inc(left)
            log_event("files_left", logging.WARNING, left=left)
        return "deleted", True
