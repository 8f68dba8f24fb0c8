"""Both members read the steps of their conversation, and nobody else does."""

from __future__ import annotations

from datetime import datetime

from tests.history.steps import Story, events_of
from tests.support.databases import Database

SHAPE = """
conversation_id version actor_role action from_state to_state details created_at effective_at hash
"""


def test_a_history_begins_with_the_first_step(db: Database, story: Story) -> None:
    rows = events_of(db, story.id)
    with db.signed_in_as(story.bharat):
        events = db.call("get_conversation_history", conversation_id=story.id)
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5, 6]
    for event, row in zip(events, rows, strict=True):
        assert event.keys() == set(SHAPE.split())
        assert event["hash"] == row["hash"].hex()
        assert event["conversation_id"] == story.id
        for name in ("actor_role", "action", "from_state", "to_state", "details"):
            assert event[name] == row[name]
        for name in ("created_at", "effective_at"):
            assert datetime.fromisoformat(event[name]) == row[name]


def test_pages_follow_each_other(db: Database, story: Story) -> None:
    seen: list[int] = []
    with db.signed_in_as(story.asha):
        while page := db.call(
            "get_conversation_history",
            conversation_id=story.id,
            page_size=4,
            after_version=seen[-1] if seen else None,
        ):
            assert len(page) <= 4
            seen += [event["version"] for event in page]
    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_page_has_one_to_a_hundred_steps(db: Database, story: Story) -> None:
    with db.signed_in_as(story.asha):
        for size, expected in ((0, 1), (-5, 1), (None, 6), (1000, 6)):
            page = db.call("get_conversation_history", conversation_id=story.id, page_size=size)
            assert len(page) == expected


def test_operators_read_every_history(db: Database, story: Story) -> None:
    operator = db.create_user("Olga")
    db.query("insert into private.admins (user_id) values (%s)", operator)
    with db.signed_in_as(operator):
        assert len(db.call("get_conversation_history", conversation_id=story.id)) == 6
    with db.as_service():
        assert len(db.call("get_conversation_history", conversation_id=story.id)) == 6


def test_a_stranger_gets_the_answer_of_a_wrong_id(db: Database, story: Story) -> None:
    wrong = "00000000-0000-4000-8000-000000000000"
    for conversation in (story.id, wrong):
        with db.signed_in_as(story.chitra), db.refused("CONVERSATION_NOT_FOUND", 404):
            db.call("get_conversation_history", conversation_id=conversation)
    with db.as_service(), db.refused("CONVERSATION_NOT_FOUND", 404):
        db.call("get_conversation_history", conversation_id=wrong)
    with db.as_anon(), db.refused("42501"):
        db.call("get_conversation_history", conversation_id=story.id)


def test_a_token_without_a_user_is_asked_to_sign_in(db: Database, story: Story) -> None:
    with db.signed_in_as(story.asha, sub=None), db.refused("AUTH_REQUIRED", 401):
        db.call("get_conversation_history", conversation_id=story.id)


def test_the_table_shows_members_their_history_and_strangers_nothing(
    db: Database, story: Story
) -> None:
    for member in (story.asha, story.bharat):
        with db.signed_in_as(member):
            assert len(db.select("select * from public.conversation_events")) == 6
    with db.signed_in_as(story.chitra):
        db.assert_hidden("select * from public.conversation_events")


def test_salts_are_for_nobody(db: Database, story: Story) -> None:
    with db.signed_in_as(story.asha), db.refused("42501"):
        db.select("select * from private.event_salts")
    with db.as_service(), db.refused("42501"):
        db.select("select * from private.event_salts")
