"""Many people at the same deals at the same time: what is left is what the history says, in order.

Nobody knows in which order a crowd acts, but the history does: replayed by the model it must lead
to exactly the conversation that is stored, and nothing may fail with an error of the database.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.chat.scenes import dice
from tests.flow import model
from tests.flow.checks import check_books
from tests.flow.deals import USUAL, Cast, Play, new_deal, open_play
from tests.flow.model import Refused
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.flow.state import DELIVERY, Deal, Step
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database

THREADS = 5
ACTS = 400
SCENES = ("influencer_price_response", "payment_pending with an order", "work_in_progress")
# What ends a deal soon is done rarely, so that there is something to crowd around.
ENDING = re.compile("end_|reject_|decline_work|give_up|close_|accept_cancellation|approve_")
# What somebody may hear who was not quick enough.
TOO_LATE = {
    "FLOW_STATE_INVALID",
    "NOT_YOUR_TURN",
    "GUARD_FAILED",
    "CHAT_CLOSED",
    "REVISION_LIMIT",
    "NEGOTIATION_LIMIT",
    "BLOCKED",
}
PAY = {"amount_minor": 500000, "currency": "INR"}


class Crowd:
    """What somebody of the crowd does; every method is one call in the given session."""

    def __init__(self, plays: list[Play], cast: Cast, seed: int) -> None:
        self.plays = plays
        self.users = [cast.asha, cast.bharat]
        self.seed = seed

    def act(self, session: Database, number: int) -> Any:
        """Do the act of this number: mostly a button, sometimes something else."""
        chance = dice(self.seed * ACTS + number)
        play, user = chance.choice(self.plays), chance.choice(self.users)
        others: list[Callable[[], Any]] = [
            lambda: self.tell(session, play, "payment_captured", {"payment_id": play.id, **PAY}),
            lambda: self.tell(session, play, "refund_processed", {}),
            lambda: self.call(session, user, "login_cleanup"),
            lambda: self.call(session, user, "mark_read", conversation_id=play.id),
            lambda: self.call(session, user, "send_message", conversation_id=play.id, message="!"),
            lambda: self.sweep(session),
        ]
        rare = [
            lambda: self.end_the_clock(session, play),
            lambda: self.block(session, user, chance.choice([True, False])),
        ]
        mood = chance.random()
        if mood < 0.25:
            return chance.choice(others if mood > 0.01 else rare)()
        with session.signed_in_as(user):
            offered = session.call("get_available_actions", conversation_id=play.id)
            names = [action["action"] for action in offered]
            names = [name for name in names if not ENDING.match(name) or chance.random() < 0.03]
            if not names:
                return None
            action = chance.choice(names)
            return session.call(
                "take_action",
                conversation_id=play.id,
                action=action,
                input=dict(USUAL.get(action, {})),
                client_action_id=uuid.UUID(int=chance.getrandbits(128)),
            )

    def call(self, session: Database, user: uuid.UUID, function: str, /, **arguments: Any) -> Any:
        """Call as this user."""
        with session.signed_in_as(user):
            return session.call(function, **arguments)

    def tell(self, session: Database, play: Play, fact: str, given: dict[str, Any]) -> Any:
        """The gateway tells a fact."""
        return session.tell(play.id, fact, given)

    def sweep(self, session: Database) -> Any:
        """An operator sweeps."""
        with session.as_service():
            return session.call("sweep_due")

    def block(self, session: Database, user: uuid.UUID, is_on: bool) -> Any:
        """A user blocks the other, or thinks better of it."""
        other = self.users[1 - self.users.index(user)]
        function = "block_user" if is_on else "unblock_user"
        return self.call(session, user, function, user_id=other)

    def end_the_clock(self, session: Database, play: Play) -> None:
        """Let whatever limit the deal has be over."""
        session.query(
            "update private.conversations set deadline_at = entered_at"
            " where id = %s and deadline_at is not null",
            play.id,
        )


@pytest.mark.parametrize("seed", range(2))
def test_a_crowd_leaves_what_its_history_says(db: Database, people: Cast, seed: int) -> None:
    plays = [open_play(db, people, "bid", scene) for scene in SCENES]
    ends = play_at_once(db, THREADS, ACTS, Crowd(plays, people, seed).act)
    assert ends[OK] > ACTS / 2
    assert set(ends) <= {OK} | TOO_LATE
    assert len({end for end in ends if end != OK}) > 1, "nobody was in anybody's way"
    for play in plays:
        play.model = replayed(play)
        row = play.stored()
        deal = play.model
        data = row["flow_data"]
        assert (row["flow_state"], row["awaiting_role"]) == (deal.state, deal.awaiting)
        assert row["version"] == deal.steps
        assert data.get("negotiation_round") == deal.round
        assert data.get("revision_count", 0) == deal.revisions
        assert (row["captured_minor"], row["held_minor"]) == (deal.captured, deal.held)
        check_books(play, row)
        numbers = db.query(
            "select seq from public.messages where conversation_id = %s order by seq", play.id
        )
        assert [m["seq"] for m in numbers] == list(range(1, row["last_seq"] + 1))
        with db.signed_in_as(people.asha):
            assert db.call("verify_conversation", conversation_id=play.id)["valid"] is True


def replayed(play: Play) -> Deal:
    """What the model makes of the deal's history."""
    events = play.db.query(
        "select version, actor_role, action, to_state from public.conversation_events"
        " where conversation_id = %s order by version",
        play.id,
    )
    now = datetime(2027, 1, 1, tzinfo=UTC)
    deal = new_deal("bid", now)
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    for event in events[1:]:
        role, action = event["actor_role"], event["action"]
        if action == "enable_real_time":
            continue
        given = dict(USUAL.get(action, {}))
        if action == "payment_captured":
            given = {"payment_id": f"{play.id}{deal.captured}", **PAY}
        at = now + DELIVERY * 3 if action == "cancel_overdue" else now
        taken = model.take(deal, Step(role, action, given, at, role))
        assert not isinstance(taken, Refused), f"{event} could not happen: {taken}"
        last = taken[-1].row.to
        assert event["to_state"] in (last, "work_approved"), f"{event} led to {last}"
    return deal


def test_a_block_and_an_action_never_wait_for_each_other(db: Database, people: Cast) -> None:
    # Locks are taken in one order.

    play = open_play(db, people, "bid", "influencer_price_response")
    users = {INFLUENCER: people.asha, BRAND_OWNER: people.bharat}

    def meet(session: Database, number: int) -> Any:
        role = (INFLUENCER, BRAND_OWNER)[number % 2]
        other = users[BRAND_OWNER if role == INFLUENCER else INFLUENCER]
        with session.signed_in_as(users[role]):
            if number % 3 == 0:
                return session.call("block_user", user_id=other)
            if number % 3 == 1:
                return session.call("unblock_user", user_id=other)
            return session.call("take_action", conversation_id=play.id, action="end_conversation")

    ends = play_at_once(db, 6, 36, meet)
    assert set(ends) <= {OK, "CHAT_CLOSED"}
    assert play.stored()["flow_state"] == "chat_closed"
