"""The text of a message that disappears stands in one row of one table, and at last in none."""

from __future__ import annotations

import uuid

from tests.chat.scenes import Talk, send
from tests.support.databases import Database
from tests.support.operators import find_text, let_expire

KEYS = {"p256dh": "p" * 87, "auth": "a" * 22}


def register_device(db: Database, user: uuid.UUID) -> None:
    with db.signed_in_as(user):
        db.call(
            "register_push_token",
            kind="web_push",
            token=f"https://push.example.com/{user}",
            keys=KEYS,
        )


def cleanup(db: Database, user: uuid.UUID) -> dict[str, int]:
    with db.signed_in_as(user):
        answer: dict[str, int] = db.call("login_cleanup")
    return answer


def use_everything(db: Database, talk: Talk, message: str, word: str) -> None:
    """Read, search, answer, push: whatever might keep a copy."""
    with db.signed_in_as(talk.bharat):
        db.call("sync", known={})
        assert len(db.call("search_messages", query=word)) == 1
        db.call("get_conversations")
        db.call("mark_read", conversation_id=talk.id)
        db.call("send_message", conversation_id=talk.id, message="I see", reply_to=message)
    with db.as_service():
        assert db.call("take_pushes")


def test_the_search_for_a_canary_finds_an_ordinary_message(db: Database, talk: Talk) -> None:
    canary = f"canary{uuid.uuid4().hex}"
    register_device(db, talk.bharat)
    sent = send(db, talk.asha, talk.id, f"meet me, {canary}")
    use_everything(db, talk, sent["id"], canary)
    assert find_text(db, canary) == {"public.messages": 1, "realtime.messages": 1}


def test_a_canary_that_disappears_stands_in_one_row_and_after_the_grace_in_none(
    db: Database, talk: Talk
) -> None:
    canary = f"canary{uuid.uuid4().hex}"
    register_device(db, talk.asha)
    register_device(db, talk.bharat)
    sent = send(
        db,
        talk.asha,
        talk.id,
        f"meet me, {canary}",
        media_url=f"https://cdn.example.com/{canary}.jpg",
        expiration_hours=1,
    )
    use_everything(db, talk, sent["id"], canary)
    assert find_text(db, canary) == {"public.messages": 1}
    assert find_text(db, sent["id"]).keys() >= {"realtime.messages", "private.push_outbox"}
    let_expire(db, sent["id"], days_ago=29.9)
    assert cleanup(db, talk.bharat)["scrubbed"] == 0
    assert find_text(db, canary) == {"public.messages": 1}
    let_expire(db, sent["id"], days_ago=30.1)
    assert cleanup(db, talk.asha)["scrubbed"] == 1
    assert find_text(db, canary) == {}
    # The row and its number stay, and the answer still points to it.
    kept = db.query("select seq, reply_to, message from public.messages order by seq")
    assert [row["seq"] for row in kept] == [1, 2, 3]
    assert str(kept[2]["reply_to"]) == sent["id"]
