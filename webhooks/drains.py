"""One thread that works off what waits in the database, started by whoever comes by.

Nothing runs by a timer. A route that is a good moment calls `touch()`, which returns at once; one
thread for each worker process then does a round, and ends. A thread, because those outside whom a
round talks to may take longer than the user who happened to come by should wait. It may die at any
moment: the database hands out again what nobody reported on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from webhooks.errors import ApiError
from webhooks.logs import log_event


class Drain:
    """Does rounds of one kind of work, one at a time. Safe to share between threads."""

    def __init__(self, name: str, do_round: Callable[[], object]) -> None:
        """Take what a round does; `name` is that of the thread, and `drain` in log lines."""
        self._name = name
        self._do_round = do_round
        self._lock = threading.Lock()
        self._is_running = False
        self._is_asked = False

    def touch(self) -> None:
        """Have a round done in the background; it begins after this call."""
        with self._lock:
            self._is_asked = True
            if self._is_running:
                return
            self._is_running = True
        try:
            threading.Thread(target=self._run, name=self._name).start()
        except RuntimeError as error:  # no more threads; the user's answer needs none
            self._is_running = False
            log_event("drain_broke", logging.ERROR, error=error, drain=self._name)

    def _run(self) -> None:
        # Asked during a round means another round: what it is about may have come after the
        # round's last look.
        while self._has_to_go_on():
            try:
                self._do_round()
            except ApiError as error:  # the database's own line says more
                code = error.error_code
                log_event("drain_stopped", logging.WARNING, drain=self._name, code=code)
            except Exception as error:  # or no later touch would ever start a thread
                log_event("drain_broke", logging.ERROR, error=error, drain=self._name)

    def _has_to_go_on(self) -> bool:
        with self._lock:
            self._is_running, self._is_asked = self._is_asked, False
            return self._is_running
