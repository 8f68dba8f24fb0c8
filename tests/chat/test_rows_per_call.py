"""What each call costs in Realtime messages, counted, and as the documentation says it."""

from __future__ import annotations

import re
import uuid
from typing import Any

from tests.chat.scenes import Talk, open_session, send
from tests.support.databases import Database
from tests.support.stacks import ROOT

PAGE = ROOT / "docs" / "parts" / "realtime.md"
ROW = re.compile(r"^\| (?P<call>`\w+`.*?) \| (?P<rows>\d+) \|$", re.MULTILINE)


def documented() -> dict[str, int]:
    _, _, section = PAGE.read_text("utf-8").partition("### What each call costs")
    return {found["call"]: int(found["rows"]) for found in ROW.finditer(section)}


def test_every_call_writes_as_many_rows_as_the_table_says(db: Database, talk: Talk) -> None:
    counted: dict[str, int] = {}
    own = {user: open_session(db, user) for user in (talk.asha, talk.bharat)}
    client_message_id = str(uuid.uuid4())

    def count(call: str, user: uuid.UUID, function: str, **arguments: Any) -> None:
        db.query("delete from realtime.messages")
        with db.signed_in_as(user, session_id=own[user]):
            db.call(function, **arguments)
        counted[call] = db.value("select count(*) from realtime.messages")

    here: dict[str, Any] = {"conversation_id": talk.id}
    hello = {**here, "message": "hello", "client_message_id": client_message_id}
    count("`send_message`", talk.asha, "send_message", **hello)
    again = "`send_message` again, with the same `client_message_id`"
    count(again, talk.asha, "send_message", **hello)
    count("`mark_delivered`", talk.bharat, "mark_delivered", **here)
    count("`mark_read`", talk.bharat, "mark_read", **here)
    count("`mark_read` again", talk.bharat, "mark_read", **here)
    send(db, talk.asha, talk.id, "news")
    count("`sync`, a conversation with something new", talk.bharat, "sync")
    count("`sync`, nothing new", talk.bharat, "sync")
    for function in ("get_messages", "get_conversation_context"):
        count(f"`{function}`", talk.asha, function, **here)
    for function in ("get_conversations", "get_unread_count", "get_quota", "login_cleanup"):
        count(f"`{function}`", talk.asha, function)
    count("`set_typing`", talk.asha, "set_typing", **here, is_typing=True)
    count(
        "`set_conversation_preferences`",
        talk.bharat,
        "set_conversation_preferences",
        **here,
        muted_until="2030-01-01",
    )
    muted = "`send_message` to somebody who muted the conversation"
    count(muted, talk.asha, "send_message", **here, message="hush")
    connect = {"target_user_id": talk.chitra}
    count("`direct_connect`, a new chat", talk.asha, "direct_connect", **connect)
    count("`direct_connect`, a chat that is there", talk.asha, "direct_connect", **connect)
    for user in (talk.asha, talk.bharat):
        open_session(db, user)
    echoed = "`send_message` by a user with another session"
    count(echoed, talk.asha, "send_message", **here, message="hello")
    seen = "`mark_read` by a user with another session"
    count(seen, talk.bharat, "mark_read", **here)
    assert counted == documented()


def test_metrics_count_the_rows_of_the_last_minute(db: Database, talk: Talk) -> None:
    def counted() -> Any:
        with db.as_service():
            return db.call("get_metrics")

    before = counted()
    send(db, talk.asha, talk.id, "hi")
    after = counted()
    assert after["broadcasts_last_minute"] == before["broadcasts_last_minute"] + 1
    assert after["broadcasts_lost"] == 0
