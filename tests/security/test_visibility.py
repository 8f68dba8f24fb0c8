"""No way of reading shows a message to somebody it is not for, or after it expired."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.chat.scenes import (
    SYSTEM_USER,
    add_messages,
    all_messages,
    context_of,
    dice,
    let_pass,
    open_deal,
    open_talk,
)
from tests.support.databases import Database

EVERY_MESSAGE = "select conversation_id, seq from public.messages"


@dataclass(frozen=True)
class Room:
    """A conversation and its two members, by the role that visible_to names."""

    id: str
    influencer: uuid.UUID
    brand_owner: uuid.UUID


@dataclass(frozen=True)
class Sent:
    """What an oracle must know of a message."""

    room: Room
    seq: int
    sender: uuid.UUID
    visible_to: str
    expired: bool
    text: str


def may_read(viewer: uuid.UUID, message: Sent) -> bool:
    """The rule, as a person would say it."""
    if viewer not in (message.room.influencer, message.room.brand_owner) or message.expired:
        return False
    if message.visible_to == "all" or viewer == message.sender:
        return True
    addressed = {"influencer": message.room.influencer, "brand_owner": message.room.brand_owner}
    return viewer == addressed.get(message.visible_to)


@dataclass(frozen=True)
class World:
    """People, their conversations, and messages of every kind in them."""

    people: list[uuid.UUID]
    rooms: list[Room]
    messages: list[Sent]

    def readable(self, viewer: uuid.UUID, room: Room) -> list[int]:
        """The seqs of a room that the viewer may read."""
        return [
            message.seq
            for message in self.messages
            if message.room == room and may_read(viewer, message)
        ]

    def pairs(self) -> Iterator[tuple[uuid.UUID, Room]]:
        """Everybody with every room."""
        return ((viewer, room) for viewer in self.people for room in self.rooms)


def make_messages(db: Database, room: Room, chance: random.Random) -> Iterator[Sent]:
    for number in range(25):
        sender = chance.choice([room.influencer, room.brand_owner, SYSTEM_USER])
        scopes = ["all", "all", "influencer", "brand_owner"]
        visible_to = chance.choice(scopes if sender == SYSTEM_USER else [*scopes, "sender"])
        members = {room.influencer, room.brand_owner}
        readers = {
            "all": None if sender == SYSTEM_USER else (members - {sender}).pop(),
            "sender": sender,
            "influencer": room.influencer,
            "brand_owner": room.brand_owner,
        }
        # What the system says stays.
        lifetimes = [None, "1 hour", "1 day", "-1 second", "-3 days"]
        lives = None if sender == SYSTEM_USER else chance.choice(lifetimes)
        text = f"secret {number} of {room.id}"
        (row,) = add_messages(
            db,
            room.id,
            [
                {
                    "sender_id": sender,
                    "receiver_id": readers[visible_to],
                    "visible_to": visible_to,
                    "message": text,
                    "message_type": "system" if sender == SYSTEM_USER else "user_input",
                    "expires_in": lives,
                }
            ],
        )
        expired = lives is not None and lives.startswith("-")
        yield Sent(room, row["seq"], sender, visible_to, expired, text)


@pytest.fixture
def world(db: Database) -> World:
    """Three people with four conversations, and a fourth person with none."""
    asha, bharat, chitra, dev = (
        db.create_user(name) for name in ("Asha", "Bharat", "Chitra", "Dev")
    )
    rooms = [
        Room(open_deal(db, bharat, asha), asha, bharat),
        Room(open_deal(db, asha, bharat, kind="campaign"), bharat, asha),
        Room(open_deal(db, chitra, asha), asha, chitra),
    ]
    chance = dice(31)
    messages = [sent for room in rooms for sent in make_messages(db, room, chance)]
    chance.shuffle(messages)
    messages.sort(key=lambda message: message.seq)
    assert open_talk(db, chitra, bharat)
    db.query("delete from realtime.messages")
    return World([asha, bharat, chitra, dev], rooms, messages)


def test_the_world_has_messages_of_every_kind_for_everybody(db: Database, world: World) -> None:
    # Otherwise the tests below would show nothing.
    kinds = {(message.visible_to, message.expired) for message in world.messages}
    assert len(kinds) == 8
    for room in world.rooms:
        for viewer in (room.influencer, room.brand_owner):
            hidden = [
                message
                for message in world.messages
                if message.room == room and not message.expired and not may_read(viewer, message)
            ]
            assert hidden
            assert world.readable(viewer, room)
    total = "select count(*) from public.messages where message like 'secret%%'"
    assert db.value(total.replace("%%", "%")) == len(world.messages)


def test_tables_show_exactly_what_each_may_read(db: Database, world: World) -> None:
    for viewer, room in world.pairs():
        with db.signed_in_as(viewer):
            rows = db.select(
                "select seq from public.messages where conversation_id = %s order by seq", room.id
            )
            conversations = db.select("select id from public.conversations where id = %s", room.id)
        assert [row["seq"] for row in rows] == world.readable(viewer, room)
        assert bool(conversations) == (viewer in (room.influencer, room.brand_owner))


def test_an_id_that_one_may_not_read_finds_nothing(db: Database, world: World) -> None:
    for message in world.messages[::5]:
        for viewer in world.people:
            if not may_read(viewer, message):
                with db.signed_in_as(viewer):
                    db.assert_hidden(
                        "select id from public.messages where conversation_id = %s and seq = %s",
                        *(message.room.id, message.seq),
                    )


def test_get_messages_shows_exactly_what_each_may_read(db: Database, world: World) -> None:
    for viewer, room in world.pairs():
        if viewer not in (room.influencer, room.brand_owner):
            with db.refused("CONVERSATION_NOT_FOUND", 404):
                all_messages(db, viewer, room.id)
            continue
        expected = world.readable(viewer, room)
        assert [message["seq"] for message in all_messages(db, viewer, room.id)] == expected
        with db.signed_in_as(viewer):
            newest_first = db.call("get_messages", conversation_id=room.id, page_size=100)
        assert [message["seq"] for message in newest_first] == expected[::-1]


def test_sync_shows_exactly_what_each_may_read(db: Database, world: World) -> None:
    for viewer in world.people:
        with db.signed_in_as(viewer):
            answer = db.call("sync", page_size=1000)
        for room in world.rooms:
            seqs = [
                message["seq"]
                for message in answer["messages"]
                if message["conversation_id"] == room.id
            ]
            assert seqs == world.readable(viewer, room)


def test_previews_and_counts_know_only_what_each_may_read(db: Database, world: World) -> None:
    for viewer in world.people:
        with db.signed_in_as(viewer):
            listed = db.call("get_conversations", page_size=100, filter="all")["conversations"]
            unread = db.call("get_conversations", page_size=100, filter="unread")["conversations"]
        contexts = {context["conversation_id"]: context for context in listed}
        for room in world.rooms:
            if viewer not in (room.influencer, room.brand_owner):
                assert room.id not in contexts
                continue
            assert_context(db, world, viewer, room, contexts[room.id])
            is_unread = room.id in {context["conversation_id"] for context in unread}
            assert is_unread == (contexts[room.id]["unread_count"] > 0)


def assert_context(
    db: Database, world: World, viewer: uuid.UUID, room: Room, context: dict[str, Any]
) -> None:
    readable = [m for m in world.messages if m.room == room and may_read(viewer, m)]
    assert context["last_message"]["seq"] == readable[-1].seq
    assert context["last_message"]["message"] == readable[-1].text
    from_others = [message for message in readable if message.sender != viewer]
    assert context["unread_count"] == len(from_others)
    assert context_of(db, viewer, room.id)["last_message"] == context["last_message"]
    # A mark in the middle leaves what comes after it, and no more.
    middle = readable[len(readable) // 2].seq
    with db.signed_in_as(viewer):
        answer = db.call("mark_read", conversation_id=room.id, up_to_seq=middle)
    assert answer["unread_count"] == len([m for m in from_others if m.seq > middle])


def test_nothing_that_anybody_is_told_holds_what_they_may_not_read(
    db: Database, world: World
) -> None:
    for viewer in world.people:
        with db.signed_in_as(viewer):
            heard = repr(
                [
                    db.call("sync", page_size=1000),
                    db.call("get_conversations", page_size=100, filter="all"),
                    db.select(EVERY_MESSAGE),
                    db.select("select message from public.messages"),
                    db.select("select * from public.conversations"),
                ]
            )
        for message in world.messages:
            assert (f"{message.text}'" in heard) == may_read(viewer, message), message


def search(db: Database, viewer: uuid.UUID, **arguments: Any) -> list[tuple[str, int]]:
    """The places of all hits, in pages of three."""
    hits: list[Any] = []
    with db.signed_in_as(viewer):
        while page := db.call(
            "search_messages", page_size=3, before=hits[-1]["id"] if hits else None, **arguments
        ):
            assert not {hit["id"] for hit in page} & {hit["id"] for hit in hits}
            hits += page
            if len(page) < 3:
                break
    return [(hit["conversation_id"], hit["seq"]) for hit in hits]


def test_search_finds_exactly_what_each_may_read(db: Database, world: World) -> None:
    for viewer in world.people:
        findable = [
            message
            for message in world.messages
            if may_read(viewer, message) and message.sender != SYSTEM_USER
        ]
        places = sorted((message.room.id, message.seq) for message in findable)
        assert sorted(search(db, viewer, query="secret")) == places
        assert search(db, viewer, query="secret nowhere") == []
        for room in world.rooms:
            if viewer not in (room.influencer, room.brand_owner):
                with db.refused("CONVERSATION_NOT_FOUND", 404):
                    search(db, viewer, query="secret", conversation_id=room.id)
                continue
            here = sorted(place for place in places if place[0] == room.id)
            assert sorted(search(db, viewer, query="SECRET", conversation_id=room.id)) == here


def test_the_unread_total_counts_only_what_each_may_read(db: Database, world: World) -> None:
    for viewer in world.people:
        unread = [
            message
            for message in world.messages
            if may_read(viewer, message) and message.sender != viewer
        ]
        with db.signed_in_as(viewer):
            answer = db.call("get_unread_count")
        assert answer["unread_messages"] == len(unread)
        assert answer["unread_conversations"] == len({message.room.id for message in unread})


def test_a_message_is_reported_by_those_who_may_read_it_with_what_they_may_read(
    db: Database, world: World
) -> None:
    for message in world.messages[::3]:
        for viewer in world.people:
            with db.signed_in_as(viewer):
                (row,) = db.query(
                    "select id from public.messages where conversation_id = %s and seq = %s",
                    *(message.room.id, message.seq),
                )
                if not may_read(viewer, message):
                    with db.refused("MESSAGE_NOT_FOUND", 404):
                        db.call("report_message", message_id=row["id"], reason="spam")
                    continue
                db.call("report_message", message_id=row["id"], reason="spam")
            evidence = db.value(
                "select evidence from private.reports where reporter_id = %s and message_id = %s",
                *(viewer, row["id"]),
            )
            assert {part["seq"] for part in evidence} <= set(world.readable(viewer, message.room))
            assert evidence[-1]["seq"] == message.seq


def test_a_message_is_gone_the_moment_it_expires(db: Database, world: World) -> None:
    room, viewer = world.rooms[0], world.rooms[0].influencer
    (row,) = add_messages(
        db, room.id, [{"sender_id": room.brand_owner, "message": "brief", "expires_in": "1 hour"}]
    )
    assert all_messages(db, viewer, room.id)[-1]["message"] == "brief"
    unread = context_of(db, viewer, room.id)["unread_count"]
    let_pass(db, row["id"], "1 hour")
    assert all_messages(db, viewer, room.id)[-1]["message"] != "brief"
    context = context_of(db, viewer, room.id)
    assert context["unread_count"] == unread - 1
    assert context["last_message"]["message"] != "brief"
    with db.signed_in_as(viewer):
        db.assert_hidden("select id from public.messages where id = %s", row["id"])


def test_signed_out_and_nameless_callers_see_nothing(db: Database, world: World) -> None:
    with db.as_anon(), db.refused("42501"):
        db.select(EVERY_MESSAGE)
    with db.signed_in_as(world.people[0], sub=None):
        for table in (EVERY_MESSAGE, "select id from public.conversations"):
            db.assert_hidden(table)


def test_a_block_is_seen_by_the_one_who_blocks_only(db: Database, world: World) -> None:
    asha, bharat, *_ = world.people
    db.query("insert into public.blocks (blocker_id, blocked_id) values (%s, %s)", asha, bharat)
    with db.signed_in_as(asha):
        assert db.select("select blocked_id from public.blocks") == [{"blocked_id": bharat}]
    with db.signed_in_as(bharat):
        db.assert_hidden("select blocked_id from public.blocks")
