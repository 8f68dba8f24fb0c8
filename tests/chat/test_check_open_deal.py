"""Setting direct_blocked_during_deal: while two people have an open deal they write there."""

from __future__ import annotations

import uuid
from datetime import timedelta

from tests.chat.scenes import everything, open_talk, send
from tests.flow.deals import gather_cast, open_play
from tests.support.databases import Database
from tests.support.operators import set_setting


def may_write(db: Database, user: uuid.UUID, talk: str) -> bool:
    """What the context says, and the list with it."""
    with db.signed_in_as(user):
        context = db.call("get_conversation_context", conversation_id=talk)
        listed = db.call("get_conversations")["conversations"]
    [same] = [one for one in listed if one["conversation_id"] == talk]
    assert same["free_text_allowed"] == context["free_text_allowed"]
    return bool(context["free_text_allowed"])


def test_an_open_deal_stops_the_direct_chat_where_the_setting_says_so(db: Database) -> None:
    cast = gather_cast(db)
    talk = open_talk(db, cast.asha, cast.bharat)
    send(db, cast.asha, talk, "hi")
    send(db, cast.bharat, talk, "hello")
    play = open_play(db, cast, scene="payment_pending")
    send(db, cast.asha, talk, "off by default")
    assert may_write(db, cast.asha, talk)

    set_setting(db, "direct_blocked_during_deal", True)
    before = everything(db)
    for sender in (cast.asha, cast.bharat):
        assert not may_write(db, sender, talk)
        with db.refused("DEAL_IS_OPEN", 409, details={"conversation_id": play.id}):
            send(db, sender, talk, "our price?")
    with db.signed_in_as(cast.bharat), db.refused("DEAL_IS_OPEN", 409):
        db.call("direct_connect", target_user_id=cast.asha, initial_message="our price?")
    assert everything(db) == before
    # It is about these two.
    other = open_talk(db, cast.asha, cast.chitra)
    assert may_write(db, cast.asha, other)
    send(db, cast.asha, other, "hi")

    play.let_pass(timedelta(days=30))
    assert may_write(db, cast.asha, talk)
    send(db, cast.asha, talk, "the deal is over, written or not")

    done = open_play(db, cast, scene="real_time")
    send(db, cast.asha, talk, "done")
    send(db, cast.asha, done.id, "and its own chat is open")


def test_the_setting_leaves_the_rule_for_strangers(db: Database) -> None:
    asha, bharat = db.create_user("Asha"), db.create_user("Bharat")
    talk = open_talk(db, asha, bharat)
    set_setting(db, "direct_blocked_during_deal", True)
    set_setting(db, "stranger_messages", 1)
    send(db, asha, talk, "hi")
    with db.refused("GUARD_FAILED", 409):
        send(db, asha, talk, "are you there?")
    send(db, bharat, talk, "yes")
    send(db, asha, talk, "good")
