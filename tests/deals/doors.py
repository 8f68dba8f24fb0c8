"""The three functions that open a deal, and somebody who tries them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.flow.deals import Cast
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.support.databases import Database


@dataclass(frozen=True)
class Door:
    """One of the three functions that open a deal, and who may use it."""

    function: str
    kind: str
    opener: str
    # The name of the argument that carries an amount, if there is one.
    amount: str | None
    first_state: str
    awaiting: str

    @property
    def subject_owner(self) -> str:
        """Who makes the bid or campaign."""
        return INFLUENCER if self.kind == "bid" else BRAND_OWNER

    @property
    def closed(self) -> str:
        """The refusal when its bid or campaign is closed."""
        return f"{self.kind.upper()}_CLOSED"

    @property
    def not_found(self) -> str:
        """The refusal when there is no such bid or campaign."""
        return f"{self.kind.upper()}_NOT_FOUND"


CONNECT = Door(
    "connect_bid", "bid", BRAND_OWNER, "proposed_amount", "influencer_responding", INFLUENCER
)
APPLY = Door(
    "apply_to_campaign", "campaign", INFLUENCER, "quote", "brand_owner_reviewing", BRAND_OWNER
)
INVITE = Door(
    "invite_to_campaign", "campaign", BRAND_OWNER, None, "influencer_responding", INFLUENCER
)
DOORS = (CONNECT, APPLY, INVITE)


@dataclass
class Try:
    """A door, what it is about, and who knocks; the arguments that are good unless changed."""

    db: Database
    cast: Cast
    door: Door
    subject: str = field(default="")

    def __post_init__(self) -> None:
        self.subject = self.subject or make_subject(self.db, self.cast, self.door.kind)["id"]

    def user(self, role: str) -> uuid.UUID:
        """Who has this role."""
        return self.cast.asha if role == INFLUENCER else self.cast.bharat

    def arguments(self, **changed: Any) -> dict[str, Any]:
        """What is given, with these arguments otherwise."""
        good: dict[str, Any] = {f"{self.door.kind}_id": self.subject}
        if self.door is INVITE:
            good["influencer_id"] = self.cast.asha
        return good | changed

    def open(self, **changed: Any) -> Any:
        """Open the deal; the answer."""
        return self.open_in(self.db, **changed)

    def open_in(self, session: Database, **changed: Any) -> Any:
        """The same in another session."""
        with session.signed_in_as(self.user(self.door.opener)):
            return session.call(self.door.function, **self.arguments(**changed))

    def act(self, deal: str, role: str, action: str, **given: Any) -> Any:
        """Take an action in a deal."""
        with self.db.signed_in_as(self.user(role)):
            return self.db.call("take_action", conversation_id=deal, action=action, input=given)

    def end(self, deal: str) -> None:
        """Let the one who opened it end it before anything was paid."""
        self.act(deal, self.door.opener, "end_conversation")

    def close_subject(self) -> None:
        """Close the bid or campaign."""
        with self.db.signed_in_as(self.user(self.door.subject_owner)):
            self.db.call(f"close_{self.door.kind}", **{f"{self.door.kind}_id": self.subject})


def make_subject(db: Database, cast: Cast, kind: str, **more: Any) -> Any:
    """Asha's bid, or Bharat's campaign."""
    if kind == "bid":
        with db.signed_in_as(cast.asha):
            return db.call("create_bid", title="Three posts", description="On two feeds", **more)
    with db.signed_in_as(cast.bharat):
        return db.call("create_campaign", title="Autumn", brief="Three posts", **more)


def join_brand_owner(db: Database) -> uuid.UUID:
    """Another brand owner; the login stays when the stage is cleared, so its name is its own."""
    user = db.create_user(f"Dev {uuid.uuid4()}")
    with db.signed_in_as(user):
        db.call("complete_profile", role=BRAND_OWNER, display_name="Dev")
    return user


def id_of(answer: Any) -> str:
    """The conversation that an answer is about."""
    return str(answer["conversation"]["conversation_id"])


def deals(db: Database) -> int:
    """How many conversations there are."""
    count: int = db.value("select count(*) from private.conversations")
    return count
