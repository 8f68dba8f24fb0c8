"""A context and its messages say the same of what the other side has read."""

from __future__ import annotations

import pytest

from tests.chat.scenes import Talk, all_messages, block, context_of, send
from tests.support.databases import Database

# What happened after Bharat read Asha's message, and whether Asha still sees that he did.
EVENTS = {
    "nothing": True,
    "asha hides her marks": False,
    "bharat hides his marks": False,
    "asha blocks": False,
    "bharat blocks": False,
    "bharat deletes his login": True,
}


@pytest.mark.parametrize("event", EVENTS)
def test_a_context_and_its_messages_agree_on_what_was_read(
    db: Database, talk: Talk, event: str
) -> None:
    sent = send(db, talk.asha, talk.id, "hi")
    with db.signed_in_as(talk.bharat):
        db.call("mark_read", conversation_id=talk.id)
    match event:
        case "asha hides her marks":
            with db.signed_in_as(talk.asha):
                db.call("set_privacy", read_receipts=False)
        case "bharat hides his marks":
            with db.signed_in_as(talk.bharat):
                db.call("set_privacy", read_receipts=False)
        case "asha blocks":
            block(db, talk.asha, talk.bharat)
        case "bharat blocks":
            block(db, talk.bharat, talk.asha)
        case "bharat deletes his login":
            db.query("delete from auth.users where id = %s", talk.bharat)
    messages = all_messages(db, talk.asha, talk.id)
    with db.signed_in_as(talk.asha):
        assert db.call("get_messages", conversation_id=talk.id) == messages[::-1]
    (message,) = (m for m in messages if m["id"] == sent["id"])
    context = context_of(db, talk.asha, talk.id)
    assert message["seen"] is EVENTS[event]
    assert (context["other_read_seq"] >= sent["seq"]) is EVENTS[event]
    assert context["free_text_allowed"] is ("blocks" not in event and "deletes" not in event)
    assert context["other_party"]["is_deleted"] is ("deletes" in event)
