"""How often one may be wrong about a password. In memory: a restart forgets it."""

from __future__ import annotations

import time
from collections.abc import Callable

from scripts.dev.local_supabase.auth.errors import ApiError

WINDOW = 300.0  # seconds
PER_ACCOUNT = 10  # wrong passwords for one e-mail from one address
# GoTrue's sign_in_sign_ups of `supabase start`: 30 in five minutes for one address.
PER_ADDRESS = 30
MAX_KEYS = 10_000

Key = tuple[str, str]


class FailedLogins:
    """Counts wrong passwords per (e-mail, address) and per address.

    Whoever guesses at one account is locked out of it, right password or not, at that address
    only: nobody can lock an account's owner out from elsewhere. Above the limit of an address
    wrong passwords are answered 429, and right ones still work, since many share an address.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[Key, list[float]] = {}

    def check(self, email: str, address: str) -> None:
        """Refuse (429) when this address has guessed too often at this account."""
        self._refuse_above((email, address), PER_ACCOUNT)

    def record(self, email: str, address: str) -> None:
        """Count a wrong password; refuse (429) when the address has sent too many."""
        if len(self._failures) > MAX_KEYS:
            self._failures = {key: times for key in self._failures if (times := self._recent(key))}
        for key in ((email, address), ("", address)):
            self._failures[key] = [*self._recent(key)[-PER_ADDRESS:], self._clock()]
        self._refuse_above(("", address), PER_ADDRESS + 1)

    def forget(self, email: str, address: str) -> None:
        """A right password clears what was counted for this account at this address."""
        self._failures.pop((email, address), None)

    def _recent(self, key: Key) -> list[float]:
        since = self._clock() - WINDOW
        return [moment for moment in self._failures.get(key, []) if moment > since]

    def _refuse_above(self, key: Key, limit: int) -> None:
        recent = self._recent(key)
        if len(recent) >= limit:
            wait = int(recent[-limit] + WINDOW - self._clock()) + 1
            headers = {"Retry-After": str(wait)}
            message = f"Request rate limit reached: try again in {wait} seconds."
            raise ApiError(429, "over_request_rate_limit", message, headers=headers)
