"""The tenant's quota of events per second, counted as Supabase Realtime counts it.

Every delivered copy of a broadcast counts. What is compared is the average over the last ticks of
five seconds, twelve at most, so a short burst passes and a long one is felt for a minute.
Source: transcript 16f, and supabase/realtime's RateCounter.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

TICK = 5.0  # seconds
TICKS = 12

log = logging.getLogger(__name__)


class EventRate:
    """Counts events and says whether there were too many; a limit of 0 is none."""

    def __init__(self, limit: int, now: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._now = now
        self._tick_began = now()
        self._current = 0
        self._ticks: deque[int] = deque(maxlen=TICKS)

    def count(self, events: int) -> None:
        """Count copies that were delivered."""
        self._turn()
        self._current += events

    @property
    def is_over(self) -> bool:
        """Whether the average of the finished ticks is above the limit."""
        self._turn()
        return self.limit > 0 and self.average > self.limit

    @property
    def average(self) -> float:
        """Events per second over the finished ticks."""
        return sum(self._ticks) / (len(self._ticks) * TICK) if self._ticks else 0.0

    def _turn(self) -> None:
        passed = int((self._now() - self._tick_began) / TICK)
        if passed == 0:
            return
        self._tick_began += passed * TICK
        self._ticks.append(self._current)
        self._ticks.extend([0] * min(passed - 1, TICKS))
        self._current = 0
        if self.limit > 0 and self.average > self.limit:
            log.warning(
                "MessagePerSecondRateLimitReached: %.0f events a second, %d are allowed: "
                "broadcasts are dropped (--realtime-events sets the plan's limit)",
                self.average,
                self.limit,
            )
