"""set_conversation_preferences: archived, pinned and muted, for the caller alone."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chat.scenes import (
    CONTEXT_KEYS,
    Talk,
    add_messages,
    broadcasts,
    context_of,
    everything,
    open_talk,
    send,
)
from tests.support.databases import Database


def prefer(db: Database, user: uuid.UUID, conversation: Any, **preferences: Any) -> Any:
    """The context that the user gets after the change."""
    with db.signed_in_as(user):
        return db.call("set_conversation_preferences", conversation_id=conversation, **preferences)


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def listed(db: Database, user: uuid.UUID, **arguments: Any) -> list[str]:
    """The user's conversations over all pages, in the order of the pages."""
    found: list[str] = []
    with db.signed_in_as(user):
        page = db.call("get_conversations", **arguments)
        while True:
            found += [context["conversation_id"] for context in page["conversations"]]
            if page["next_cursor"] is None:
                return found
            page = db.call("get_conversations", **{**arguments, "cursor": page["next_cursor"]})


def open_talks(db: Database, user: uuid.UUID, count: int) -> list[str]:
    """That many new chats of the user, the newest first."""
    people = [db.create_user(f"Friend {number}") for number in range(count)]
    return [open_talk(db, user, person) for person in people][::-1]


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


def test_what_is_archived_leaves_the_list_until_somebody_writes(db: Database, talk: Talk) -> None:
    context = prefer(db, talk.asha, talk.id, archived=True)
    assert context.keys() >= CONTEXT_KEYS
    assert context["archived"] is True
    assert listed(db, talk.asha) == []
    assert listed(db, talk.asha, filter="archived") == [talk.id]
    assert listed(db, talk.asha, filter="all") == [talk.id]
    assert listed(db, talk.bharat) == [talk.id]
    assert context_of(db, talk.bharat, talk.id)["archived"] is False
    send(db, talk.bharat, talk.id, "are you there?")
    assert context_of(db, talk.asha, talk.id)["archived"] is False
    assert listed(db, talk.asha) == [talk.id]
    assert listed(db, talk.asha, filter="archived") == []


def test_an_own_message_brings_the_conversation_back_too_and_so_does_the_hand(
    db: Database, talk: Talk
) -> None:
    prefer(db, talk.asha, talk.id, archived=True)
    send(db, talk.asha, talk.id, "one more thing")
    assert listed(db, talk.asha) == [talk.id]
    prefer(db, talk.asha, talk.id, archived=True)
    assert prefer(db, talk.asha, talk.id, archived=False)["archived"] is False
    assert listed(db, talk.asha) == [talk.id]


def test_reading_and_typing_bring_nothing_back(db: Database, talk: Talk) -> None:
    send(db, talk.bharat, talk.id, "hi")
    prefer(db, talk.asha, talk.id, archived=True)
    with db.signed_in_as(talk.asha):
        db.call("mark_read", conversation_id=talk.id)
    with db.signed_in_as(talk.bharat):
        db.call("set_typing", conversation_id=talk.id, is_typing=True)
    assert listed(db, talk.asha) == []


def test_what_is_pinned_comes_first_and_once_over_all_pages(db: Database, talk: Talk) -> None:
    talks = [*open_talks(db, talk.asha, 6), talk.id]
    assert listed(db, talk.asha, page_size=2) == talks
    for number in (6, 2, 4):
        assert prefer(db, talk.asha, talks[number], pinned=True)["pinned"] is True
    pinned = [talks[4], talks[2], talks[6]]
    rest = [talks[0], talks[1], talks[3], talks[5]]
    for page_size in (1, 2, 3, 4, 100):
        assert listed(db, talk.asha, page_size=page_size) == pinned + rest
    with db.signed_in_as(talk.asha):
        first = db.call("get_conversations", page_size=1)
    assert len(first["conversations"]) == 4
    # Pinning again moves nothing.
    prefer(db, talk.asha, talks[6], pinned=True)
    assert listed(db, talk.asha)[:3] == pinned
    assert prefer(db, talk.asha, talks[4], pinned=False)["pinned"] is False
    assert listed(db, talk.asha, page_size=2) == [talks[2], talks[6], *talks[:2], *talks[3:6]]
    assert listed(db, talk.bharat) == [talk.id]


def test_however_many_are_pinned_every_conversation_comes_once(db: Database, talk: Talk) -> None:
    talks = [*open_talks(db, talk.asha, 23), talk.id]
    for conversation in talks[:22]:
        prefer(db, talk.asha, conversation, pinned=True)
    for page_size in (3, 100):
        found = listed(db, talk.asha, page_size=page_size)
        assert len(found) == 24
        assert set(found) == set(talks)


def test_a_pin_does_not_bring_a_conversation_into_a_list_where_it_is_not(
    db: Database, talk: Talk
) -> None:
    prefer(db, talk.asha, talk.id, pinned=True, archived=True)
    assert listed(db, talk.asha) == []
    assert listed(db, talk.asha, filter="deals") == []
    assert listed(db, talk.asha, filter="unread") == []
    assert listed(db, talk.asha, filter="archived") == [talk.id]


def test_a_muted_conversation_is_heard_but_not_notified_until_the_mute_ends(
    db: Database, talk: Talk
) -> None:
    until = in_an_hour()
    answer = prefer(db, talk.bharat, talk.id, muted_until=until)
    assert datetime.fromisoformat(answer["muted_until"]) == datetime.fromisoformat(until)
    db.query("delete from realtime.messages")
    send(db, talk.asha, talk.id, "hi")
    # The mute is Bharat's, not the conversation's.
    send(db, talk.bharat, talk.id, "hi")
    db.query("update private.participants set muted_until = now() where muted_until is not null")
    send(db, talk.asha, talk.id, "hi")
    told = broadcasts(db, "new_message")
    assert [(row["topic"], row["payload"]["notification"] is not None) for row in told] == [
        (f"user:{talk.bharat}", False),
        (f"user:{talk.asha}", True),
        (f"user:{talk.bharat}", True),
    ]


def test_a_mute_in_the_past_ends_it_and_nothing_keeps_it(db: Database, talk: Talk) -> None:
    until = in_an_hour()
    prefer(db, talk.asha, talk.id, muted_until=until)
    kept = prefer(db, talk.asha, talk.id, pinned=True)["muted_until"]
    assert datetime.fromisoformat(kept) == datetime.fromisoformat(until)
    assert prefer(db, talk.asha, talk.id, muted_until="2020-02-02T00:00Z")["muted_until"] is None
    for never in ("infinity", "-infinity", "9999-01-01", in_days(3660)):
        details = {"field": "muted_until", "rule": "range"}
        with db.refused("INPUT_INVALID", 422, details=details):
            prefer(db, talk.asha, talk.id, muted_until=never)
    assert prefer(db, talk.asha, talk.id, muted_until=in_days(3650))["muted_until"] is not None


def test_each_preference_is_changed_alone(db: Database, talk: Talk) -> None:
    prefer(db, talk.asha, talk.id, archived=True, pinned=True, muted_until=in_an_hour())
    answer = prefer(db, talk.asha, talk.id)
    assert (answer["archived"], answer["pinned"]) == (True, True)
    answer = prefer(db, talk.asha, talk.id, archived=False)
    assert (answer["archived"], answer["pinned"]) == (False, True)
    assert answer["muted_until"] is not None


def test_a_preference_changes_the_version_of_the_context(db: Database, talk: Talk) -> None:
    before = context_of(db, talk.asha, talk.id)["version"]
    assert prefer(db, talk.asha, talk.id, pinned=True)["version"] > before


def test_a_stranger_prefers_nothing_and_learns_nothing(db: Database, talk: Talk) -> None:
    add_messages(db, talk.id, [{"sender_id": talk.asha}])
    before = everything(db)
    answers = []
    for conversation in (talk.id, uuid.uuid4(), None):
        with db.refused("CONVERSATION_NOT_FOUND", 404) as refusal:
            prefer(db, talk.chitra, conversation, archived=True)
        answers.append(vars(refusal))
    assert answers[0] == answers[1] == answers[2]
    assert everything(db) == before
