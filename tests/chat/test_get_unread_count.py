"""get_unread_count: what waits, counted from the watermarks, whatever happened before."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.chat.scenes import Talk, add_messages, dice, open_deal, send
from tests.support.databases import Database
from tests.support.operators import in_a_year, let_expire

NOTHING = {"unread_messages": 0, "unread_conversations": 0, "my_turn": 0}


def unread(db: Database, user: uuid.UUID) -> Any:
    with db.signed_in_as(user):
        return db.call("get_unread_count")


@dataclass
class Room:
    """A conversation as the oracle knows it: who sent what to whom, and who read how far."""

    id: str
    members: tuple[uuid.UUID, uuid.UUID]
    messages: list[dict[str, Any]] = field(default_factory=list)
    read: dict[uuid.UUID, int] = field(default_factory=dict)
    muted: set[uuid.UUID] = field(default_factory=set)

    def unread_by(self, user: uuid.UUID) -> int:
        """How many messages wait for this member."""
        return sum(
            message["seq"] > self.read.get(user, 0)
            and message["sender"] != user
            and user in message["readers"]
            and not message["gone"]
            for message in self.messages
        )


def test_nothing_waits_in_a_new_chat(db: Database, talk: Talk) -> None:
    for user in (talk.asha, talk.bharat, talk.chitra):
        assert unread(db, user) == NOTHING


def test_counting_stops_at_1000(db: Database, talk: Talk) -> None:
    own = {"sender_id": talk.asha, "receiver_id": talk.bharat}
    add_messages(db, talk.id, [own] * 1001)
    assert unread(db, talk.bharat)["unread_messages"] == 1000
    with db.signed_in_as(talk.bharat):
        (row,) = db.call("get_conversations")["conversations"]
    assert row["unread_count"] == 1000


def test_what_is_not_for_the_reader_takes_no_place_among_the_1000(db: Database, talk: Talk) -> None:
    theirs = {"sender_id": talk.asha, "receiver_id": talk.bharat}
    own = {"sender_id": talk.bharat, "receiver_id": talk.asha}
    hidden = {**theirs, "visible_to": "brand_owner", "receiver_id": talk.asha}
    gone = {**theirs, "expires_in": "-1 hour"}
    deal = open_deal(db, talk.asha, talk.bharat)
    add_messages(db, deal, [theirs] * 3 + [own] * 400 + [hidden] * 300 + [gone] * 301)
    assert unread(db, talk.bharat)["unread_messages"] == 3
    with db.signed_in_as(talk.bharat):
        listed = db.call("get_conversations", filter="unread")["conversations"]
    assert [row["unread_count"] for row in listed] == [3]


def test_what_the_own_step_caused_is_not_unread(db: Database, talk: Talk) -> None:
    before = unread(db, talk.asha)
    with db.signed_in_as(talk.asha):
        db.call("take_action", conversation_id=talk.id, action="close_conversation")
    assert unread(db, talk.asha) == before
    assert unread(db, talk.bharat)["unread_messages"] == 1


def test_the_count_is_right_after_whatever_happens(db: Database, talk: Talk) -> None:
    chance = dice(43)
    people = (talk.asha, talk.bharat, talk.chitra)
    pairs = [people[:2], people[1:], (people[0], people[2])]
    rooms = [Room(open_deal(db, a, b), (a, b)) for a, b in pairs]

    def say(room: Room) -> None:
        sender = chance.choice(room.members)
        hours = chance.choice([None, None, 1])
        text = "x" if hours is None else "y"
        sent = send(db, sender, room.id, text, expiration_hours=hours)
        room.messages.append({**sent, "sender": sender, "readers": room.members, "gone": False})

    def whisper(room: Room) -> None:
        sender, reader = chance.choice([(0, 0), (1, 1), (0, 1), (1, 0)])
        scope = {"sender_id": room.members[sender], "receiver_id": room.members[reader]}
        kind = ["brand_owner", "influencer"][reader]
        (row,) = add_messages(db, room.id, [{**scope, "visible_to": kind}])
        readers = {room.members[sender], room.members[reader]}
        room.messages.append(
            {**row, "sender": room.members[sender], "readers": readers, "gone": False}
        )

    def read(room: Room) -> None:
        user = chance.choice(room.members)
        up_to = chance.randint(0, len(room.messages) + 2)
        with db.signed_in_as(user):
            answer = db.call("mark_read", conversation_id=room.id, up_to_seq=up_to)
        newest = len(room.messages)
        room.read[user] = max(room.read.get(user, 0), min(up_to, newest))
        assert answer["read_seq"] == room.read[user]
        assert answer["unread_count"] == room.unread_by(user)

    def expire(room: Room) -> None:
        living = [m for m in room.messages if m["expires_at"] and not m["gone"]]
        if living:
            message = chance.choice(living)
            let_expire(db, message["id"])
            message["gone"] = True

    def mute(room: Room) -> None:
        user = chance.choice(room.members)
        room.muted ^= {user}
        until = in_a_year() if user in room.muted else "2000-01-01"
        with db.signed_in_as(user):
            db.call("set_conversation_preferences", conversation_id=room.id, muted_until=until)

    for _ in range(120):
        chance.choice([say, say, say, whisper, read, expire, mute])(chance.choice(rooms))
        user = chance.choice(people)
        waiting = [room.unread_by(user) for room in rooms if user in room.members]
        heard = [
            room.unread_by(user)
            for room in rooms
            if user in room.members and user not in room.muted
        ]
        assert unread(db, user) == {
            "unread_messages": sum(heard),
            "unread_conversations": sum(count > 0 for count in heard),
            "my_turn": 0,
        }
        with db.signed_in_as(user):
            listed = db.call("get_conversations", filter="unread")["conversations"]
        assert sorted(context["unread_count"] for context in listed) == sorted(
            count for count in waiting if count
        )
    assert any(room.unread_by(user) for room in rooms for user in room.members)


def test_it_is_my_turn_where_the_flow_waits_for_me(db: Database, talk: Talk) -> None:
    open_deal(db, talk.bharat, talk.asha, flow_state="price", awaiting_role="influencer")
    open_deal(db, talk.asha, talk.bharat, flow_state="price", awaiting_role="influencer")
    open_deal(db, talk.chitra, talk.asha, flow_state="price", awaiting_role="influencer")
    assert unread(db, talk.asha) == {**NOTHING, "my_turn": 2}
    assert unread(db, talk.bharat) == {**NOTHING, "my_turn": 1}
    assert unread(db, talk.chitra) == NOTHING


def test_anon_has_nothing_to_count(db: Database) -> None:
    with db.as_anon(), db.refused("42501"):
        db.call("get_unread_count")
