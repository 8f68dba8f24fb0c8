"""A deal as the model of the flow knows it, and a step that somebody wants to take.

Money is in paise, input is in rupees; time is whatever the caller says it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.flow.rows import BRAND_OWNER, INFLUENCER

Input = Mapping[str, Any]

MAX_ROUNDS = 3
MAX_REVISIONS = 3
MAX_QUESTIONS = 10
# Of each side, by the action that uses them up.
ALLOWANCES = {
    "back": 5,
    "withdraw_submission": 3,
    "request_extension": 2,
    "request_cancellation": 2,
    "raise_dispute": 1,
}
DELIVERY = timedelta(days=14)
REVISION = timedelta(days=7)
GRACE = timedelta(days=7)
ATTEMPT = timedelta(hours=73)
WINDOW = timedelta(days=7)
WORK_LIMIT = timedelta(days=75)
RATING = timedelta(days=14)


@dataclass(frozen=True)
class Pause:
    """Where a conversation goes on after a cancellation request or a dispute."""

    state: str
    deadline: datetime
    since: datetime
    # The party that asked for it; nobody when it was not one party alone.
    by: str | None


@dataclass
class Deal:
    """A conversation as the model knows it; the defaults are those of one just created."""

    kind: str
    state: str
    awaiting: str | None
    entered: datetime
    round: int = 0
    offer: int | None = None
    counter: int | None = None
    quote: int | None = None
    agreed: int | None = None
    questions: int = 0
    revisions: int = 0
    cancellation_by: str | None = None
    cancellation_refund: int | None = None
    extension: int | None = None
    dispute_origin: str | None = None
    dispute_by: str | None = None
    pause: Pause | None = None
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    has_submission: bool = False
    is_approved: bool = False
    rated: frozenset[str] = frozenset()
    first_rated: datetime | None = None
    has_order: bool = False
    order_is_open: bool = False
    payments: frozenset[str] = frozenset()
    bounced: int = 0
    captured: int = 0
    released: int = 0
    refunded: int = 0
    charged_back: int = 0
    refund: int | None = None
    paid_at: datetime | None = None
    last_attempt: datetime | None = None
    delivery_due: datetime | None = None
    deadline: datetime | None = None
    closed_by: str | None = None
    is_blocked: bool = False
    steps: int = 1

    @property
    def held(self) -> int:
        """What is neither paid out nor given back, in paise."""
        return self.captured - self.released - self.refunded - self.charged_back

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen to it."""
        return self.state != "chat_closed"


@dataclass(frozen=True)
class Step:
    """One action as it is taken."""

    role: str
    action: str
    given: Input
    at: datetime
    # Who, where a role has two members (direct chats).
    actor: str

    @property
    def other(self) -> str:
        """The party that does not act."""
        return BRAND_OWNER if self.role == INFLUENCER else INFLUENCER

    def paise(self, key: str) -> int | None:
        """An amount that was given in rupees."""
        return None if self.given.get(key) is None else round(self.given[key] * 100)
