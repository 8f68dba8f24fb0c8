"""A session plans a call's statements in its first calls and keeps the plans.

Where PostgreSQL takes a plan for the arguments at hand for cheaper, it plans in every call, and the
call costs a multiple: the function then needs `set plan_cache_mode = force_generic_plan`.
"""

from __future__ import annotations

import json
import uuid

import psycopg
import pytest

from tests.chat.scenes import Talk, send
from tests.support.databases import Database

# PostgreSQL may plan a statement anew in each of its first five calls.
FIRST = 8

CALLS = {
    "send_message": "select public.send_message(%(talk)s, 'hi')",
    "mark_read": "select public.mark_read(%(talk)s, %(turn)s)",
    "mark_delivered": "select public.mark_delivered(%(talk)s, %(turn)s)",
    "sync": "select public.sync(jsonb_build_object(%(talk)s::text, %(turn)s::bigint))",
    "the newest page": "select * from public.get_messages(%(talk)s)",
    "an older page": "select * from public.get_messages(%(talk)s, before_seq => %(turn)s)",
    "a newer page": "select * from public.get_messages(%(talk)s, after_seq => %(turn)s)",
    "get_conversation_context": "select public.get_conversation_context(%(talk)s)",
    "get_conversations": "select public.get_conversations()",
    "get_unread_count": "select public.get_unread_count()",
    "get_chat_screen": "select public.get_chat_screen(%(talk)s)",
    "get_inbox_screen": "select public.get_inbox_screen()",
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_plans_nothing_once_a_session_knows_it(db: Database, talk: Talk, call: str) -> None:
    for number in range(2 * FIRST):
        send(db, talk.asha, talk.id, f"number {number}")
    planned = look_for_plans(db, talk.bharat, talk, CALLS[call])
    assert planned[0], "the first call plans nothing: this test looks at the wrong thing"
    assert not any(planned[FIRST:])


def look_for_plans(db: Database, user: uuid.UUID, talk: Talk, call: str) -> list[list[str]]:
    """The statements within the call that the session planned, for each time that it made it."""
    claims = {"sub": str(user), "role": "authenticated", "is_anonymous": False}
    planned: list[list[str]] = []
    with psycopg.connect(db.dsn("supabase_admin"), autocommit=True) as session:
        session.execute("set log_planner_stats = on; set client_min_messages = log")
        session.execute("select set_config('request.jwt.claims', %s, false)", [json.dumps(claims)])
        session.execute("set role authenticated")

        def note(said: psycopg.errors.Diagnostic) -> None:
            # The call itself is the client's statement and has no context.
            if said.message_primary == "PLANNER STATISTICS" and said.context:
                planned[-1].append(said.context)

        session.add_notice_handler(note)
        for turn in range(1, FIRST + 4):
            planned.append([])
            session.execute(call.encode(), {"talk": talk.id, "turn": turn})
    return planned
