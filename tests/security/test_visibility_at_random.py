"""A crowd with conversations at random: each way to read agrees with the rule on every pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.chat.scenes import SYSTEM_USER, block, dice, open_deal
from tests.security.test_visibility import Room, World, make_messages, may_read
from tests.support.databases import Database

SEED = 53
PEOPLE = 25
ROOMS = 18  # of 25 messages each
BLOCKS = 8
# Of a viewer and a message, for each way to read.
LEAST_PAIRS = 10_000

Rows = list[dict[str, Any]]


@pytest.fixture
def crowd(db: Database) -> World:
    """Deals of any two people with messages of every kind, and some blocks, which hide nothing."""
    chance = dice(SEED)
    people = [db.create_user(f"Person {number}") for number in range(PEOPLE)]
    rooms = []
    for kind in chance.choices(["bid", "campaign"], k=ROOMS):
        influencer, brand_owner = chance.sample(people, 2)
        deal = open_deal(db, brand_owner, influencer, kind=kind)
        rooms.append(Room(deal, influencer, brand_owner))
    pairs = {(room.influencer, room.brand_owner) for room in chance.sample(rooms, BLOCKS)}
    for blocker, blocked in pairs:
        block(db, blocker, blocked)
    messages = [sent for room in rooms for sent in make_messages(db, room, chance)]
    return World(people, rooms, messages)


def read_table(db: Database) -> Rows:
    """What the policies let through."""
    return db.select("select conversation_id::text, seq from public.messages")


def read_sync(db: Database) -> Rows:
    """What a new device fetches."""
    answer = db.call("sync", page_size=1000)
    assert not answer["has_more"]
    messages: Rows = answer["messages"]
    return messages


def read_search(db: Database) -> Rows:
    """What a search finds, for a word that all messages have."""
    hits: Rows = []
    while page := db.call(
        "search_messages", query="secret", page_size=100, before=hits[-1]["id"] if hits else None
    ):
        hits += page
    return hits


@pytest.mark.parametrize(
    ("read", "shows_system"), [(read_table, True), (read_sync, True), (read_search, False)]
)
def test_ten_thousand_pairs_of_viewer_and_message_are_as_the_rule_says(
    db: Database, crowd: World, read: Callable[[Database], Rows], shows_system: bool
) -> None:
    verdicts: Counter[bool] = Counter()
    wrong = []
    for viewer in crowd.people:
        with db.signed_in_as(viewer):
            seen = Counter((row["conversation_id"], row["seq"]) for row in read(db))
        for message in crowd.messages:
            is_shown = shows_system or message.sender != SYSTEM_USER
            expected = is_shown and may_read(viewer, message)
            verdicts[expected] += 1
            if seen.pop((message.room.id, message.seq), 0) != expected:
                wrong.append((viewer, message))
        assert not seen, "something that nobody sent"
    assert wrong == []
    assert verdicts.total() >= LEAST_PAIRS
    # Otherwise empty answers would do; the members' own hidden messages are a test of their own.
    assert min(verdicts.values()) >= LEAST_PAIRS // 40


def test_the_crowd_has_members_from_whom_messages_are_hidden(crowd: World) -> None:
    hidden = [
        (viewer, message.visible_to, message.expired)
        for message in crowd.messages
        for viewer in (message.room.influencer, message.room.brand_owner)
        if not may_read(viewer, message)
    ]
    assert len(hidden) >= LEAST_PAIRS // 40
    assert len({(visible_to, expired) for _, visible_to, expired in hidden}) == 7
