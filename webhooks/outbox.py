"""Work that waits in the database, done in the background by whoever comes by.

Nothing runs by a timer. A route that is a good moment calls `touch()`, which returns at once; one
thread for each worker process then does a round, and ends. A thread, because the others whom a
round talks to may take longer than the user who happened to come by should wait. It may die at any
moment: the database hands out again what nobody reported on.

An outbox says what its rows are (`take`) and what is done with one (`handle`): `payments.refunds`,
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

# With what may have begun just before, two rounds end within gunicorn's graceful_timeout.
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
        """Whether there is anybody to hand the work to; without, it stays in the database."""
        return True

    @abstractmethod
    def take(self, most: int) -> list[Row]:
        """Up to `most` rows that are due; what is taken counts as tried."""

    @abstractmethod
    def handle(self, row: Row) -> tuple[str, bool]:
        """Do one row and report it: the outcome, and whether the next is worth trying now."""

    def touch(self) -> None:
        """Have a round done in the background; it begins after this call."""
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
        """Do what is due until there is no more, or time is up; how many came to which outcome.

        Args:
            take: takes rows as whoever asks; left out, the service.

        Raises:
            ApiError: what `take` refuses; 503 when the database cannot be asked.
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
        # Asked during a round means another round: what it is about may have come after the
        # round's last look.
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
