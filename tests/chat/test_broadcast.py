"""Events: told to the right users, with the transaction that they tell of, or not at all."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.chat.scenes import (
    Talk,
    add_messages,
    all_messages,
    block,
    broadcasts,
    context_of,
    let_pass,
    open_session,
    open_talk,
    send,
)
from tests.support.databases import Database
from tests.support.operators import in_a_year

HEADLINE = ("flow_state", "chat_status", "awaiting_role", "last_seq", "version")
DROP_PARTITIONS = """
do $$
declare
  v_partition regclass;
begin
  for v_partition in
    select i.inhrelid::regclass from pg_catalog.pg_inherits as i
    where i.inhparent = 'realtime.messages'::regclass
  loop
    execute format('drop table %s', v_partition);
  end loop;
end $$
"""
# From every role that postgres inherits from.
REVOKE_INSERT = """
revoke insert on realtime.messages
from postgres, supabase_realtime_admin, anon, authenticated, service_role, dashboard_user
"""
FAILURES = "select case when is_called then last_value else 0 end from private.broadcast_failures"


def topics(*users: uuid.UUID) -> list[str]:
    return sorted(f"user:{user}" for user in users)


def test_a_message_between_two_people_with_a_session_each_is_one_row(
    db: Database, talk: Talk
) -> None:
    own = open_session(db, talk.asha)
    open_session(db, talk.bharat)
    db.query("delete from realtime.messages")
    with db.signed_in_as(talk.asha, session_id=own):
        sent = db.call("send_message", conversation_id=talk.id, message="hi")["message"]
    (told,) = db.query("select * from realtime.messages")
    assert (told["event"], told["topic"]) == ("new_message", f"user:{talk.bharat}")
    assert (told["extension"], told["private"]) == ("broadcast", True)
    payload = told["payload"]
    assert payload["conversation_id"] == talk.id
    assert payload["message"] == sent
    assert payload["notification"] == {
        "type": "message",
        "data": {
            "conversation_id": talk.id,
            "message_id": sent["id"],
            "sender_id": str(talk.asha),
        },
    }
    context = context_of(db, talk.bharat, talk.id)
    assert payload["conversation_context"] == {key: context[key] for key in HEADLINE}


def test_another_session_of_the_sender_hears_the_message_without_a_notification(
    db: Database, talk: Talk
) -> None:
    own = open_session(db, talk.asha)
    other = open_session(db, talk.asha)
    with db.signed_in_as(talk.bharat):
        db.call("mark_read", conversation_id=talk.id)
    db.query("delete from realtime.messages")
    for session, count in ((own, 2), (other, 4)):
        with db.signed_in_as(talk.asha, session_id=session):
            sent = db.call("send_message", conversation_id=talk.id, message="hi")["message"]
        assert len(broadcasts(db, "new_message")) == count
    told = {
        row["topic"]: row["payload"]
        for row in broadcasts(db, "new_message")
        if row["payload"]["message"]["id"] == sent["id"]
    }
    echo = told[f"user:{talk.asha}"]
    assert (echo["message"], echo["notification"]) == (sent, None)
    context = context_of(db, talk.asha, talk.id)
    assert echo["conversation_context"] == {key: context[key] for key in HEADLINE}


@pytest.mark.parametrize(("refreshed", "echoes"), [("now", 1), ("-7 days", 1), ("-9 days", 0)])
def test_a_session_whose_token_has_run_out_hears_nothing(
    db: Database, talk: Talk, refreshed: str, echoes: int
) -> None:
    at = db.value("select (now() + %s::interval)::text", refreshed.replace("now", "0"))
    open_session(db, talk.asha, refreshed=at)
    db.query("delete from realtime.messages")
    send(db, talk.asha, talk.id, "hi")
    assert len(broadcasts(db, "new_message")) == 1 + echoes


def test_a_muted_conversation_is_told_without_a_notification(db: Database, talk: Talk) -> None:
    with db.signed_in_as(talk.bharat):
        db.call("set_conversation_preferences", conversation_id=talk.id, muted_until=in_a_year())
    db.query("delete from realtime.messages")
    send(db, talk.asha, talk.id, "quietly")
    (told,) = db.query("select payload from realtime.messages")
    assert told["payload"]["notification"] is None


def test_the_words_of_a_message_that_disappears_are_told_to_nobody(
    db: Database, talk: Talk
) -> None:
    open_session(db, talk.asha)
    db.query("delete from realtime.messages")
    sent = send(
        db,
        talk.asha,
        talk.id,
        "burn after reading",
        media_url="https://cdn.example.com/secret.jpg",
        expiration_hours=1,
    )
    told = broadcasts(db, "new_message")
    assert [row["topic"] for row in told] == topics(talk.asha, talk.bharat)
    for row in told:
        message = row["payload"]["message"]
        assert message["content_withheld"] is True
        assert (message["id"], message["expires_at"]) == (sent["id"], sent["expires_at"])
    kept = repr(db.query("select * from realtime.messages"))
    assert sent["id"] in kept
    assert "burn" not in kept
    assert "secret.jpg" not in kept


def test_the_version_told_is_the_version_of_the_context_also_after_a_message_disappeared(
    db: Database, talk: Talk
) -> None:
    gone = send(db, talk.asha, talk.id, "brief", expiration_hours=1)
    let_pass(db, gone["id"], "1 hour")
    db.query("delete from realtime.messages")
    send(db, talk.asha, talk.id, "hi")
    told = {
        row["payload"]["conversation_context"]["version"] for row in broadcasts(db, "new_message")
    }
    assert told == {context_of(db, talk.bharat, talk.id)["version"]}


def test_an_event_is_heard_when_its_transaction_commits_and_never_otherwise(
    db: Database, talk: Talk
) -> None:
    db.query("delete from realtime.messages")
    with db.transaction():
        send(db, talk.asha, talk.id, "taken back")
        assert broadcasts(db, "new_message") == []
        raise psycopg.Rollback
    assert broadcasts(db, "new_message") == []
    with db.transaction():
        send(db, talk.asha, talk.id, "said")
        assert broadcasts(db, "new_message") == []
    assert len(broadcasts(db, "new_message")) == 1


def test_a_refused_send_and_a_repeat_tell_nobody(db: Database, talk: Talk) -> None:
    own_id = uuid.uuid4()
    send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    db.query("delete from realtime.messages")
    send(db, talk.asha, talk.id, "hi", client_message_id=own_id)
    with db.refused("MESSAGE_TOO_LONG", 422):
        send(db, talk.asha, talk.id, "a" * 5001)
    with db.refused("CONVERSATION_NOT_FOUND", 404):
        send(db, talk.chitra, talk.id, "let me in")
    block(db, talk.bharat, talk.asha)
    with db.refused("BLOCKED", 403):
        send(db, talk.asha, talk.id, "hi")
    with db.refused("BLOCKED", 403):
        open_talk(db, talk.asha, talk.bharat)
    assert db.query("select event from realtime.messages") == []


def test_a_new_conversation_is_told_to_its_members_only(db: Database, talk: Talk) -> None:
    open_session(db, talk.chitra)
    db.query("delete from realtime.messages")
    opened = open_talk(db, talk.chitra, talk.asha)
    told = broadcasts(db, "new_message")
    assert [row["topic"] for row in told] == topics(talk.chitra, talk.asha)
    assert {row["payload"]["conversation_id"] for row in told} == {opened}


def test_an_own_step_is_heard_on_other_devices_alone(db: Database, talk: Talk) -> None:
    for user, role in {talk.asha: "influencer", talk.bharat: "brand_owner"}.items():
        with db.signed_in_as(user):
            db.call("complete_profile", role=role, display_name=role)
    with db.signed_in_as(talk.asha):
        bid = db.call("create_bid", title="Reels", description="Three of them")
    with db.signed_in_as(talk.bharat):
        deal = db.call("connect_bid", bid_id=bid["id"])["conversation"]["conversation_id"]
    own = open_session(db, talk.asha)

    def tell(action: str) -> list[tuple[str, str]]:
        db.query("delete from realtime.messages")
        with db.signed_in_as(talk.asha, session_id=own):
            db.call("take_action", conversation_id=deal, action=action)
        rows = db.query(
            "select topic, event from realtime.messages where starts_with(topic, 'user')"
        )
        return sorted((row["topic"], row["event"]) for row in rows)

    def events(user: uuid.UUID, said: str) -> list[tuple[str, str]]:
        return [(f"user:{user}", event) for event in ("conversation_state_changed", said)]

    # She acts on her one device: its call has the answer.
    assert tell("accept_connection") == sorted(events(talk.bharat, "new_message"))
    with db.signed_in_as(talk.bharat):
        given = {"details": "Three posts"}
        db.call("take_action", conversation_id=deal, action="send_project_details", input=given)
    open_session(db, talk.asha)
    both = events(talk.asha, "button_action") + events(talk.bharat, "new_message")
    assert tell("accept_project") == sorted(both)


def test_a_receipt_is_told_to_the_other_side_once(db: Database, talk: Talk) -> None:
    own = open_session(db, talk.bharat)
    sent = send(db, talk.asha, talk.id, "hi")
    db.query("delete from realtime.messages")
    with db.signed_in_as(talk.bharat, session_id=own):
        db.call("mark_delivered", conversation_id=talk.id)
        db.call("mark_delivered", conversation_id=talk.id)
        db.call("mark_read", conversation_id=talk.id)
        db.call("mark_read", conversation_id=talk.id)
        db.call("sync")
    read_at = all_messages(db, talk.asha, talk.id)[-1]["read_at"]
    common = {
        "conversation_id": talk.id,
        "message_id": sent["id"],
        "seq": 2,
        "user_id": str(talk.bharat),
    }
    for event, key in (("message_seen", "read_at"), ("message_delivered", "delivered_at")):
        (told,) = broadcasts(db, event)
        assert told["topic"] == f"user:{talk.asha}"
        at = told["payload"].pop(key)
        assert told["payload"] == common
        assert key == "delivered_at" or at == read_at
    assert db.value("select count(*) from realtime.messages") == 2


def test_a_read_that_delivers_too_is_one_event_and_sync_tells_of_delivery(
    db: Database, talk: Talk
) -> None:
    send(db, talk.asha, talk.id, "one")
    db.query("delete from realtime.messages")
    with db.signed_in_as(talk.bharat):
        db.call("sync", known={talk.id: 1})
    assert [row["event"] for row in db.query("select * from realtime.messages")] == [
        "message_delivered"
    ]
    send(db, talk.asha, talk.id, "two")
    db.query("delete from realtime.messages")
    with db.signed_in_as(talk.bharat):
        db.call("mark_read", conversation_id=talk.id)
    assert [row["event"] for row in db.query("select * from realtime.messages")] == ["message_seen"]


def test_another_session_of_the_reader_hears_what_was_read_there(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "hi")
    open_session(db, talk.bharat)
    db.query("delete from realtime.messages")
    with db.signed_in_as(talk.bharat):
        db.call("set_privacy", read_receipts=False)
        db.call("mark_read", conversation_id=talk.id)
    told = {row["topic"]: row["event"] for row in db.query("select * from realtime.messages")}
    assert told == {
        f"user:{talk.asha}": "message_delivered",
        f"user:{talk.bharat}": "message_seen",
    }


def test_across_a_block_no_receipt_is_told_or_shown(db: Database, talk: Talk) -> None:
    sent = send(db, talk.asha, talk.id, "hi")
    block(db, talk.bharat, talk.asha)
    before = context_of(db, talk.asha, talk.id)
    db.query("delete from realtime.messages")
    with db.signed_in_as(talk.bharat):
        db.call("sync")
        db.call("mark_read", conversation_id=talk.id)
    assert db.query("select event from realtime.messages") == []
    after = context_of(db, talk.asha, talk.id)
    assert {**after, "server_now": None} == {**before, "server_now": None}
    (message,) = [m for m in all_messages(db, talk.asha, talk.id) if m["id"] == sent["id"]]
    assert message["status"] == "sent"


def test_a_receipt_names_the_newest_message_that_both_may_see(db: Database, talk: Talk) -> None:
    shared = send(db, talk.asha, talk.id, "for both")
    add_messages(
        db,
        talk.id,
        [
            {"sender_id": talk.asha, "expires_in": "-1 second"},
            {"sender_id": talk.bharat, "receiver_id": talk.bharat, "visible_to": "sender"},
        ],
    )
    with db.signed_in_as(talk.bharat):
        db.call("mark_read", conversation_id=talk.id)
    for row in broadcasts(db, "message_seen"):
        assert (row["payload"]["seq"], row["payload"]["message_id"]) == (4, shared["id"])


@pytest.mark.parametrize(
    "damage",
    [
        DROP_PARTITIONS,
        REVOKE_INSERT,
        "alter table realtime.messages rename column payload to body",
        "alter table realtime.messages add column tenant text not null",
        "drop table realtime.messages",
        "drop schema realtime cascade",
    ],
    ids=lambda damage: " ".join(damage.split()[:4]),
)
def test_a_broken_broadcast_fails_no_send_and_is_counted(
    db: Database, talk: Talk, damage: str
) -> None:
    db.query("delete from realtime.messages")
    db.query_as_superuser(damage)
    assert db.value(FAILURES) == 0
    assert send(db, talk.asha, talk.id, "still here")["seq"] == 2
    assert db.value(FAILURES) == 1
    with db.signed_in_as(talk.bharat):
        assert db.call("mark_read", conversation_id=talk.id)["read_seq"] == 2
    assert db.value(FAILURES) == 2
    assert all_messages(db, talk.bharat, talk.id)[-1]["message"] == "still here"
