"""Whatever people do at once, nobody meets an error that a client could not expect."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from itertools import permutations
from typing import Any

from tests.chat.scenes import Talk, dice, open_deal, open_talk
from tests.notifications.devices import KEYS, endpoint
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database
from tests.support.operators import set_account, set_setting

# What the calls below may be refused with. Above all no deadlock (40P01) and no broken key.
# A block closes the deals of the two, and an unblock does not open them again: CHAT_CLOSED.
EXPECTED = {
    OK,
    "BLOCKED",
    "CHAT_CLOSED",
    "RATE_LIMITED",
    "INSUFFICIENT_POINTS",
    "MESSAGE_NOT_FOUND",
}


def random_call(chance: random.Random, talks: list[str], people: list[uuid.UUID]) -> Any:
    """Name and arguments of something that a person may do."""
    talk = {"conversation_id": chance.choice(talks)}
    device = endpoint(f"device-{chance.randint(1, 4)}")
    hours = chance.choice([None, 1, 24])
    message = {**talk, "message": "hi", "client_message_id": str(uuid.uuid4())}
    choices: list[tuple[str, dict[str, Any]]] = [
        ("send_message", {**message, "expiration_hours": hours}),
        ("send_message", {**message, "expiration_hours": hours}),
        ("block_user", {"user_id": chance.choice(people)}),
        ("unblock_user", {"user_id": chance.choice(people)}),
        ("unblock_user", {"user_id": chance.choice(people)}),
        ("set_privacy", {"read_receipts": chance.choice([True, False])}),
        ("set_typing", {**talk, "is_typing": True}),
        ("set_conversation_preferences", {**talk, "archived": True, "pinned": True}),
        ("mark_read", talk),
        ("sync", {"known": {}}),
        ("login_cleanup", {}),
        ("get_quota", {}),
        ("get_unread_count", {}),
        ("search_messages", {"query": "hi"}),
        ("register_push_token", {"kind": "web_push", "token": device, "keys": KEYS}),
        ("unregister_push_token", {"token": device}),
        ("complete_profile", {"role": "influencer", "display_name": "Somebody"}),
        ("direct_connect", {"target_user_id": chance.choice(people), "initial_message": "hi"}),
    ]
    return chance.choice(choices)


def test_a_crowd_that_does_everything_at_once_meets_only_expected_refusals(
    db: Database, talk: Talk
) -> None:
    people = [talk.asha, talk.bharat, talk.chitra]
    open_talk(db, talk.bharat, talk.chitra)
    # Several conversations of one pair, so that locks of their rows have an order to keep.
    for _ in range(3):
        for brand_owner, influencer in permutations(people, 2):
            open_deal(db, brand_owner, influencer)
    talks = {
        user: [
            str(row["conversation_id"])
            for row in db.query(
                "select conversation_id from private.participants where user_id = %s", user
            )
        ]
        for user in people
    }
    set_setting(db, "rate_typing", {"per_second": 5, "burst": 5})
    for user in people:
        set_account(db, user, daily_free_limit=80)
    chance = dice(53)
    acts: list[Callable[[Database], Any]] = []
    for number in range(600):
        user = people[number % 3]
        others = [person for person in people if person != user]
        name, arguments = random_call(chance, talks[user], others)
        acts.append(as_user(user, name, arguments))
        if number % 12 == 0:
            acts.append(as_service_taking_pushes)
    ends = play_at_once(db, 6, len(acts), lambda session, number: acts[number](session))
    assert ends.keys() <= EXPECTED, ends
    assert ends[OK] > 100
    assert (
        db.query(
            """
        select c.id from private.conversations as c
        left join public.messages as m on m.conversation_id = c.id
        group by c.id having count(m.seq) <> c.last_seq or max(m.seq) <> c.last_seq
        """
        )
        == []
    )


def as_user(user: uuid.UUID, name: str, arguments: dict[str, Any]) -> Callable[[Database], Any]:
    def act(session: Database) -> Any:
        with session.signed_in_as(user):
            return session.call(name, **arguments)

    return act


def as_service_taking_pushes(session: Database) -> None:
    with session.as_service():
        for push in session.call("take_pushes", max_rows=5):
            session.call("record_push_result", push_id=push["push_id"], result="gone")
