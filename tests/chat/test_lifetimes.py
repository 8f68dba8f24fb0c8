"""Messages that disappear: for how long, from which moment on, and from everywhere."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.chat.scenes import Talk, all_messages, context_of, everything, send
from tests.points.purse import quota_of
from tests.support.crowds import outcome
from tests.support.databases import Database
from tests.support.operators import expire_at, let_expire


def test_a_message_lives_as_long_as_asked_from_its_own_time_on(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    for hours in (1, 1.5, 24, 2160, "1.0000001", "2159.9999"):
        with subtests.test(hours=hours):
            sent = send(db, talk.asha, talk.id, "soon gone", expiration_hours=hours)
            end = datetime.fromisoformat(sent["expires_at"])
            lives = end - datetime.fromisoformat(sent["created_at"])
            assert abs(lives - timedelta(hours=float(hours))) <= timedelta(microseconds=1)
            assert all_messages(db, talk.bharat, talk.id)[-1] == sent


def test_another_lifetime_is_refused(db: Database, talk: Talk, subtests: pytest.Subtests) -> None:
    before = everything(db)
    details = {"min_hours": 1, "max_hours": 2160}
    for hours in (0.99, "0.9999999", 2160.01, 0, -1, -2160, "NaN", "Infinity", "1e300"):
        with (
            subtests.test(hours=hours),
            db.refused("EXPIRATION_INVALID", 422, details=details),
        ):
            send(db, talk.asha, talk.id, "soon gone", expiration_hours=hours)
    assert everything(db) == before


def test_a_lifetime_that_no_clock_can_show_is_the_clients_mistake(
    db: Database, talk: Talk, subtests: pytest.Subtests
) -> None:
    before = everything(db)
    for hours in ("1e400", "-1e400", "-Infinity"):
        with subtests.test(hours=hours):
            end = outcome(
                lambda hours=hours: send(  # type: ignore[misc]
                    db, talk.asha, talk.id, "soon gone", expiration_hours=hours
                )
            )
            # Class 22 is "data exception", which PostgREST answers with 400.
            assert end == "EXPIRATION_INVALID" or end.startswith("22")
    assert everything(db) == before


def test_not_even_the_owner_of_the_table_writes_another_lifetime(db: Database, talk: Talk) -> None:
    change = """
        insert into public.messages
          (conversation_id, seq, sender_id, message, message_type, created_at, expires_at)
        values (%s, %s, %s, 'x', %s, now(), now() + %s * interval '1 hour')
    """
    for kind, hours in (("user_input", 0.99), ("user_input", 2160.01), ("system", 2)):
        with db.refused("23514"):
            db.query(change, talk.id, 99, talk.asha, kind, hours)
    for seq, hours in ((98, 1), (99, 2160)):
        db.query(change, talk.id, seq, talk.asha, "user_input", hours)


def test_a_message_is_gone_from_everywhere_at_the_microsecond_it_expires(
    db: Database, talk: Talk
) -> None:
    send(db, talk.asha, talk.id, "it stays")
    secret = send(db, talk.asha, talk.id, "it goes", expiration_hours=1)

    def ways() -> dict[str, Any]:
        """What each way of reading shows of the secret."""
        context = db.call("get_conversation_context", conversation_id=talk.id)
        listed = db.call("get_conversations")["conversations"][0]
        synced = db.call("sync", known={})
        return {
            "table": db.select("select seq from public.messages where message = 'it goes'"),
            "count": db.select("select 1 as one from public.messages where expires_at is not null"),
            "messages": db.call("get_messages", conversation_id=talk.id, after_seq=2),
            "newest": db.call("get_messages", conversation_id=talk.id, page_size=1)[0]["seq"] == 3,
            "search": db.call("search_messages", query="it goes"),
            "one search": db.call("search_messages", query="GOES", conversation_id=talk.id),
            "preview": context["last_message"]["seq"] == 3,
            "unread": context["unread_count"] == 2,
            "list": listed["last_message"]["seq"] == 3,
            "list unread": listed["unread_count"] == 2,
            "badge": db.call("get_unread_count")["unread_messages"] == 2,
            "sync": [m for m in synced["messages"] if m["seq"] == 3],
            "sync context": synced["conversations"][0]["last_message"]["seq"] == 3,
        }

    arranging = db.session()
    with db.transaction(), db.signed_in_as(talk.bharat):
        # The time of a transaction stands still.
        (clock,) = db.select("select now() as time")
        expire_at(arranging, clock["time"] + timedelta(microseconds=1), secret["id"])
        assert all(ways().values()), ways()
        expire_at(arranging, clock["time"], secret["id"])
        assert not any(ways().values()), ways()
        with db.refused("MESSAGE_NOT_FOUND", 404):
            db.call("report_message", message_id=secret["id"], reason="spam")
        with db.refused("MESSAGE_NOT_FOUND", 404):
            send(db, talk.bharat, talk.id, "what?", reply_to=secret["id"])
    assert secret["seq"] not in [m["seq"] for m in all_messages(db, talk.asha, talk.id)]


def test_an_expired_message_still_marks_a_position(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "before")
    secret = send(db, talk.asha, talk.id, "secret", expiration_hours=1)
    send(db, talk.asha, talk.id, "after")
    let_expire(db, secret["id"])
    with db.signed_in_as(talk.bharat):
        page = db.call("get_messages", conversation_id=talk.id, before=secret["id"])
        assert [message["seq"] for message in page] == [2, 1]
        assert db.call("mark_read", conversation_id=talk.id, up_to_seq=3)["read_seq"] == 3


def test_a_message_that_disappears_is_a_change_that_clients_notice(
    db: Database, talk: Talk
) -> None:
    secret = send(db, talk.asha, talk.id, "secret", expiration_hours=1)
    known = context_of(db, talk.bharat, talk.id)["version"]
    with db.signed_in_as(talk.bharat):
        same = {"conversation_id": talk.id, "known_version": known}
        assert db.call("get_conversation_context", **same)["not_modified"] is True
        let_expire(db, secret["id"])
        assert db.call("get_conversation_context", **same)["last_message"]["seq"] == 1


def test_a_broadcast_after_an_expiry_carries_the_version_that_readers_get(
    db: Database, talk: Talk
) -> None:
    secret = send(db, talk.asha, talk.id, "secret", expiration_hours=1)
    let_expire(db, secret["id"])
    known = context_of(db, talk.bharat, talk.id)["version"]
    db.query("delete from realtime.messages")
    send(db, talk.asha, talk.id, "next")
    versions = db.query(
        """
        select (payload #>> '{conversation_context,version}')::bigint as version
        from realtime.messages where event = 'new_message'
        """
    )
    current = context_of(db, talk.bharat, talk.id)["version"]
    assert {row["version"] for row in versions} == {current}
    assert current > known


def test_a_repeat_after_the_expiry_answers_without_the_message(db: Database, talk: Talk) -> None:
    own_id = uuid.uuid4()
    again = {
        "conversation_id": talk.id,
        "message": "secret",
        "expiration_hours": 1.5,
        "client_message_id": own_id,
    }
    with db.signed_in_as(talk.asha):
        first = db.call("send_message", **again)
        assert db.call("send_message", **again) == first
        let_expire(db, first["message"]["id"])
        answer = db.call("send_message", **again)
        assert (answer["message"], answer["expired"]) == (None, True)
        assert answer["quota"] == quota_of(db, talk.asha)
        for other in ({"message": "not it"}, {"expiration_hours": 2}, {"expiration_hours": None}):
            with db.refused("IDEMPOTENCY_MISMATCH", 409) as refusal:
                db.call("send_message", **{**again, **other})
            assert "secret" not in str(vars(refusal))
        scrub = """
            update public.messages
            set message = '', is_expired = true, scrubbed_at = now() where id = %s
        """
        db.query(scrub, first["message"]["id"])
        assert db.call("send_message", **again)["message"] is None
    assert len(all_messages(db, talk.bharat, talk.id)) == 1
    assert quota_of(db, talk.asha)["used_today"] == 1


def test_nothing_new_may_disappear_under_a_legal_hold(db: Database, talk: Talk) -> None:
    own_id = uuid.uuid4()
    earlier = {"expiration_hours": 1, "client_message_id": own_id}
    first = send(db, talk.asha, talk.id, "before the hold", **earlier)
    hold = "insert into private.legal_holds (conversation_id, reason) values (%s, 'dispute')"
    db.query(hold, talk.id)
    before = everything(db)
    with db.refused("EXPIRATION_NOT_ALLOWED", 409):
        send(db, talk.asha, talk.id, "during the hold", expiration_hours=1)
    assert everything(db) == before
    assert send(db, talk.asha, talk.id, "before the hold", **earlier) == first
    assert send(db, talk.asha, talk.id, "kept")["seq"] == 3
    db.query("delete from private.legal_holds")
    assert send(db, talk.asha, talk.id, "after the hold", expiration_hours=1)["seq"] == 4
