"""A message has one shape, wherever it is answered."""

from __future__ import annotations

from tests.chat.scenes import CONTEXT_KEYS, MESSAGE_KEYS, Talk, broadcasts, send
from tests.support.databases import Database

COLUMNS = """
select array_agg(a.attname::text) from pg_catalog.pg_attribute as a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
"""


def test_the_view_the_function_and_the_broadcast_have_the_contracts_keys(
    db: Database, talk: Talk
) -> None:
    send(db, talk.asha, talk.id, "hi")
    assert set(db.value(COLUMNS, "private.my_messages")) == MESSAGE_KEYS
    made = db.query("select private.message_json(m) as json from public.messages as m")
    told = [row["payload"]["message"] for row in broadcasts(db, "new_message")]
    assert made
    assert told
    assert all(row["json"].keys() == MESSAGE_KEYS for row in made)
    assert all(message.keys() == MESSAGE_KEYS for message in told)


def test_the_view_of_conversations_has_the_contracts_keys(db: Database) -> None:
    assert set(db.value(COLUMNS, "private.my_conversations")) >= CONTEXT_KEYS


def test_a_message_that_was_just_made_looks_as_it_is_read_later(db: Database, talk: Talk) -> None:
    sent = send(db, talk.asha, talk.id, "hi", media_url="https://cdn.example.com/a.jpg")
    with db.signed_in_as(talk.bharat):
        (read,) = db.call("get_messages", conversation_id=talk.id, page_size=1)
        (synced,) = db.call("sync", known={talk.id: 1})["messages"]
    assert read == sent
    assert synced == sent
