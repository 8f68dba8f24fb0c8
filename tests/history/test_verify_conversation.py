"""A history that was touched is found, and where."""

from __future__ import annotations

import time

import pytest

from tests.history.steps import Story, events_of, open_chat, take_step, tamper, verify
from tests.support.databases import Database

# For each column of an event another value than the third one has.
OTHER_VALUES = {
    "conversation_id": "gen_random_uuid()",
    "version": "30",
    "actor_role": "'brand_owner'",
    "actor_id": "null",
    "action": "'close_chat'",
    "from_state": "'real_time'",
    "to_state": "'chat_closed'",
    "details": """'{"note": "sorr"}'""",
    "created_at": "created_at + interval '0.000001 s'",
    "effective_at": "effective_at - interval '0.000001 s'",
    "commitment": "sha256(commitment)",
    "hash": "sha256(hash)",
}
# Statements of somebody who may do everything, and the first version that is then not as it was.
TAMPERINGS = {
    "somebody else acted": (
        """
        update public.conversation_events set actor_id = (
          select actor_id from public.conversation_events where version = 2
        )
        where version = 3
        """,
        3,
    ),
    "it was the newest": (
        "update public.conversation_events set action = 'x' where version = 6",
        6,
    ),
    "it was the first": ("update public.conversation_events set action = 'x' where version = 1", 1),
    "it was endless": (
        "update public.conversation_events set effective_at = '-infinity' where version = 4",
        4,
    ),
    "details went, their salt stayed": (
        "update public.conversation_events set details = null where version = 3",
        3,
    ),
    "a salt went, its details stayed": ("delete from private.event_salts where version = 3", 3),
    "another salt": ("update private.event_salts set salt = sha256(salt) where version = 5", 5),
    "one in the middle went": ("delete from public.conversation_events where version = 4", 4),
    "one went and the rest moved up": (
        """
        delete from public.conversation_events where version = 1;
        delete from private.event_salts where version = 1;
        -- Past each other: a number may not be taken twice on the way.
        update public.conversation_events set version = version + 1000;
        update public.conversation_events set version = version - 1001;
        update private.event_salts set version = version + 1000;
        update private.event_salts set version = version - 1001;
        update private.conversations set version = version - 1;
        """,
        1,
    ),
    "the first went": ("delete from public.conversation_events where version = 1", 1),
    "the newest went": ("delete from public.conversation_events where version = 6", 6),
    "the newest two went": ("delete from public.conversation_events where version > 4", 5),
    "all went": ("delete from public.conversation_events", 1),
    "the newest went and the conversation went back": (
        """
        with gone as (delete from public.conversation_events where version = 6)
        update private.conversations set version = 5
        """,
        5,  # the conversation is not in the state in which step 5 left it
    ),
    "two changed places": (
        """
        update public.conversation_events as e
        set (actor_role, actor_id, action, from_state, to_state, details, created_at,
          effective_at, commitment, hash)
          = (o.actor_role, o.actor_id, o.action, o.from_state, o.to_state, o.details, o.created_at,
            o.effective_at, o.commitment, o.hash)
        from public.conversation_events as o
        where (e.version, o.version) in ((2, 4), (4, 2))
        """,
        2,
    ),
    "one was put on top": (
        """
        insert into public.conversation_events
        select conversation_id, 7, actor_role, actor_id, action, to_state, to_state, details,
          created_at, effective_at, commitment, hash
        from public.conversation_events where version = 6
        """,
        7,
    ),
    "one was put under all": (
        """
        insert into public.conversation_events
        select conversation_id, 0, actor_role, actor_id, action, to_state, 'initial', details,
          created_at, effective_at, commitment, hash
        from public.conversation_events where version = 1
        """,
        0,
    ),
    "the conversation's state was changed": (
        "update private.conversations set flow_state = 'real_time'",
        6,
    ),
    "the conversation's version was changed": ("update private.conversations set version = 9", 7),
}


def test_a_history_as_written_is_valid(db: Database, story: Story) -> None:
    newest = events_of(db, story.id)[-1]
    assert verify(db, story.id) == {
        "valid": True,
        "events": 6,
        "scrubbed": 0,
        "broken_at": None,
        "head_hash": newest["hash"].hex(),
    }


def test_every_column_of_an_event_is_tried_below(db: Database) -> None:
    columns = db.query("""
        select attname as name from pg_attribute
        where attrelid = 'public.conversation_events'::regclass and attnum > 0 and not attisdropped
    """)
    assert {column["name"] for column in columns} == OTHER_VALUES.keys()


@pytest.mark.parametrize("column", OTHER_VALUES)
def test_a_changed_column_is_found(db: Database, story: Story, column: str) -> None:
    (before,) = (event for event in events_of(db, story.id) if event["version"] == 3)
    change = f"update public.conversation_events set {column} = {OTHER_VALUES[column]}"  # noqa: S608
    tamper(db, f"{change} where version = 3")
    assert before not in db.query("select * from public.conversation_events")
    answer = verify(db, story.id)
    assert (answer["valid"], answer["broken_at"]) == (False, 3)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_where_it_begins(db: Database, story: Story, name: str) -> None:
    change, broken_at = TAMPERINGS[name]
    tamper(db, change)
    answer = verify(db, story.id)
    assert (answer["valid"], answer["broken_at"]) == (False, broken_at)


def test_one_put_between_others_is_found(db: Database, story: Story) -> None:
    for table in ("public.conversation_events", "private.event_salts"):
        tamper(db, f"update {table} set version = -version - 1 where version > 2")  # noqa: S608
        tamper(db, f"update {table} set version = -version where version < 0")  # noqa: S608
    tamper(
        db,
        """
        insert into public.conversation_events
        select conversation_id, 3, actor_role, actor_id, action, to_state, to_state, details,
          created_at, effective_at, commitment, hash
        from public.conversation_events where version = 2
        """,
    )
    tamper(db, "update private.conversations set version = 7")
    answer = verify(db, story.id)
    assert (answer["events"], answer["valid"], answer["broken_at"]) == (7, False, 3)


def test_a_change_with_the_right_hash_is_found_at_the_next_step(db: Database, story: Story) -> None:
    tamper(db, "update public.conversation_events set action = 'x' where version = 3")
    tamper(
        db,
        """
        update public.conversation_events as e set hash = private.hash_event(e, before.hash)
        from public.conversation_events as before
        where e.version = 3 and before.version = 2
        """,
    )
    answer = verify(db, story.id)
    assert (answer["valid"], answer["broken_at"]) == (False, 4)


def test_a_step_from_another_state_is_found_though_its_hash_is_right(
    db: Database, story: Story
) -> None:
    take_step(db, story.id, "reopen_chat", "real_time", story.asha, from_state="disputed")
    answer = verify(db, story.id)
    assert (answer["valid"], answer["broken_at"]) == (False, 7)


def test_a_history_that_does_not_begin_at_the_beginning_is_found_though_its_hash_is_right(
    db: Database, story: Story
) -> None:
    other = open_chat(db, story.asha, story.chitra)
    db.query("update private.conversations set version = 4 where id = %s", other)
    take_step(db, other, "poke", "real_time", story.asha)
    answer = verify(db, other)
    assert (answer["events"], answer["valid"], answer["broken_at"]) == (1, False, 1)


def test_whoever_writes_the_end_anew_is_given_away_by_a_kept_head_hash(
    db: Database, story: Story
) -> None:
    kept = verify(db, story.id)["head_hash"]
    tamper(
        db,
        """
        update public.conversation_events as e set
          action = 'x',
          hash = private.hash_event(
            row(
              e.conversation_id, e.version, e.actor_role, e.actor_id, 'x', e.from_state,
              e.to_state, e.details, e.created_at, e.effective_at, e.commitment, e.hash
            )::public.conversation_events,
            before.hash
          )
        from public.conversation_events as before
        where e.version = 6 and before.version = 5
        """,
    )
    answer = verify(db, story.id)
    assert answer["valid"]
    assert answer["head_hash"] != kept


def test_a_conversation_that_took_no_step_has_nothing_to_be_broken(
    db: Database, story: Story
) -> None:
    assert verify(db, open_chat(db, story.asha, story.chitra)) == {
        "valid": True,
        "events": 0,
        "scrubbed": 0,
        "broken_at": None,
        "head_hash": None,
    }


def test_another_conversations_history_does_not_matter(db: Database, story: Story) -> None:
    other = open_chat(db, story.asha, story.chitra)
    take_step(db, other, "direct_connect", "real_time", story.asha, from_state="initial")
    tamper(
        db, "update public.conversation_events set action = 'x' where conversation_id = %s", other
    )
    assert verify(db, story.id)["valid"]
    assert verify(db, other)["broken_at"] == 1


def test_members_and_operators_may_verify(db: Database, story: Story) -> None:
    operator = db.create_user("Olga")
    db.query("insert into private.admins (user_id) values (%s)", operator)
    for user in (story.asha, story.bharat, operator):
        with db.signed_in_as(user):
            assert db.call("verify_conversation", conversation_id=story.id) == verify(db, story.id)


def test_a_stranger_gets_the_answer_of_a_wrong_id(db: Database, story: Story) -> None:
    wrong = "00000000-0000-4000-8000-000000000000"
    for conversation in (story.id, wrong):
        with db.signed_in_as(story.chitra), db.refused("CONVERSATION_NOT_FOUND", 404):
            db.call("verify_conversation", conversation_id=conversation)
    with db.as_service(), db.refused("CONVERSATION_NOT_FOUND", 404):
        db.call("verify_conversation", conversation_id=wrong)
    with db.as_anon(), db.refused("42501"):
        db.call("verify_conversation", conversation_id=story.id)


def test_three_hundred_steps_are_verified_in_a_moment(db: Database, story: Story) -> None:
    for number in range(294):
        take_step(db, story.id, "poke", "chat_closed", story.asha, details={"number": number})
    began = time.perf_counter()
    answer = verify(db, story.id)
    assert time.perf_counter() - began < 0.5
    assert (answer["valid"], answer["events"]) == (True, 300)
