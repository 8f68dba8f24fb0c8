"""Work that waits in the database; requests start it, and a background thread does it.

There is no timer. A route calls `touch()`, which returns at once; one thread for each outbox and
worker process then does a round and ends. The request does not wait for it, because Razorpay,
Storage or a push service may be slow. A thread may die at any moment: the database hands out again
each row without a result.

An outbox defines how to get rows (`take`) and how to process one (`handle`): `payments.refunds`,
`payments.waiting`, `push.pushes` and `files`.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from webhooks.http.errors import ApiError
from webhooks.logs import log_event

# Two rounds, one begun just before the other, end within gunicorn's graceful_timeout.
BUDGET_SECONDS = 5.0

Row = dict[str, Any]


class Outbox(ABC):
    """One kind of waiting work, a round at a time. Safe to share between threads."""

    name: ClassVar[str]
    at_once: ClassVar[int] = 1
    most: ClassVar[int | None] = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_running = False
        self._is_asked = False

    @property
    def is_on(self) -> bool:
        """Whether settings allow the work; otherwise it stays in the database."""
        return True

    @abstractmethod
    def take(self, most: int) -> list[Row]:
        """Up to `most` rows that are due; each counts as tried."""

    @abstractmethod
    def handle(self, row: Row) -> tuple[str, bool]:
        """Do one row and report it: the outcome, and whether the next is worth trying now."""

    def touch(self) -> None:
        """Start a round in the background; it begins after this call."""
        if not self.is_on:
            return
        with self._lock:
            self._is_asked = True
            if self._is_running:
                return
            self._is_running = True
        try:
            threading.Thread(target=self._run, name=self.name).start()
        except RuntimeError as error:  # no more threads; the user's answer needs none
            self._is_running = False
            log_event("drain_broke", logging.ERROR, error=error, drain=self.name)

    def drain(self, take: Callable[[int], list[Row]] | None = None) -> Counter[str]:
        """Process due rows until none is left or time is up; how many had which outcome.

        Args:
            take: gets rows with the rights of the caller; left out, of the service.

        Raises:
            ApiError: a refusal of `take`; 503 when the database does not answer.
        """
        ends_at = time.monotonic() + BUDGET_SECONDS
        outcomes: Counter[str] = Counter()
        goes_on = True
        while goes_on and time.monotonic() < ends_at:
            if self.most is not None and outcomes.total() >= self.most:
                break
            rows = (take or self.take)(self.at_once)
            if not rows:
                break
            for outcome, is_worth_it in self._handle_all(rows):
                outcomes[outcome] += 1
                goes_on = goes_on and is_worth_it
        if outcomes:
            log_event(f"{self.name}_drained", taken=outcomes.total(), outcomes=dict(outcomes))
        return outcomes

    def _handle_all(self, rows: list[Row]) -> list[tuple[str, bool]]:
        if len(rows) == 1:
            return [self.handle(rows[0])]
        with ThreadPoolExecutor(len(rows), thread_name_prefix=self.name) as threads:
            return list(threads.map(self.handle, rows))

    def _run(self) -> None:
        # A touch during a round starts another one: its rows may be newer than the last `take`.
        while self._has_to_go_on():
            try:
                self.drain()
            except ApiError as error:  # the database's own line says more
                code = error.error_code
                log_event("drain_stopped", logging.WARNING, drain=self.name, code=code)
            except Exception as error:  # or no later touch would ever start a thread
                log_event("drain_broke", logging.ERROR, error=error, drain=self.name)

    def _has_to_go_on(self) -> bool:
        with self._lock:
            self._is_running, self._is_asked = self._is_asked, False
            return self._is_running
