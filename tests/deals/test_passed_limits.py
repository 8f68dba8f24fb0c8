"""A passed time limit counts for every reader at once, before anybody has written the step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.flow.deals import Cast, Play, gather_cast, open_play
from tests.support.databases import Database

# What a row of public.conversations says in the words of the context.
SAME_IN_ROWS = (
    "kind", "flow_state", "chat_status", "awaiting_role", "automation_enabled", "flow_data",
    "work_status", "work_submitted", "amount_minor", "deadline_at", "delivery_due_at",
    "close_reason",
)  # fmt: skip
SCENES = ("influencer_price_response", "payment_pending", "payment_completed")


@pytest.fixture
def cast(db: Database) -> Cast:
    """The four with their profiles."""
    return gather_cast(db)


def open_buttons(messages: list[Any]) -> list[Any]:
    return [m for m in messages if m["action_required"] and not m["action_completed"]]


def read(play: Play, role: str, function: str, **arguments: Any) -> Any:
    with play.db.signed_in_as(play.user(role)):
        return play.db.call(function, **arguments)


@pytest.mark.parametrize("scene", SCENES)
def test_an_action_that_is_over_has_no_open_button_anywhere(
    db: Database, cast: Cast, scene: str
) -> None:
    play = open_play(db, cast, scene=scene)
    role = str(play.stored()["awaiting_role"])
    here = {"conversation_id": play.id}
    known = {play.id: 0}
    assert open_buttons(read(play, role, "get_messages", **here))
    assert open_buttons(read(play, role, "sync", known=known)["messages"])

    play.let_pass(timedelta(days=30))

    assert open_buttons(read(play, role, "get_messages", **here)) == []
    assert open_buttons(read(play, role, "get_messages", **here, after_seq=0)) == []
    assert open_buttons(read(play, role, "sync", known=known)["messages"]) == []
    assert play.context(role)["flow_state"] != scene


def test_sync_with_the_version_from_before_returns_the_conversation(
    db: Database, cast: Cast
) -> None:
    play = open_play(db, cast, scene="influencer_price_response")
    before = play.context("brand_owner")
    known = {play.id: {"seq": before["last_seq"], "version": before["version"]}}
    assert read(play, "brand_owner", "sync", known=known)["conversations"] == []

    db.query(
        "update private.conversations set deadline_at = now() - interval '1 s' where id = %s",
        play.id,
    )

    (context,) = read(play, "brand_owner", "sync", known=known)["conversations"]
    assert context["chat_status"] == "closed"
    again = read(play, "brand_owner", "get_conversation_context", conversation_id=play.id)
    assert again["chat_status"] == "closed"


@pytest.mark.parametrize("scene", SCENES)
def test_whoever_asks_hears_the_same_of_a_limit_that_has_passed(
    db: Database, cast: Cast, scene: str
) -> None:
    """The context, lists, sync, the view, and what an operator looks into; nobody touched it."""
    play = open_play(db, cast, scene=scene)
    version = play.stored()["version"]
    play.let_pass(timedelta(days=30))

    for role in ("influencer", "brand_owner"):
        context = play.context(role)
        assert context["flow_state"] != scene
        (listed,) = read(play, role, "get_conversations", filter="all")["conversations"]
        (synced,) = read(play, role, "sync")["conversations"]
        (inbox,) = read(play, role, "get_inbox_screen", filter="all")["conversations"]
        with db.signed_in_as(play.user(role)):
            (row,) = db.select("select to_json(c) as now from public.conversations as c")
        moving = {"server_now", "version", "other_delivered_seq"}  # sync marks as delivered
        for seen in (listed, synced, inbox):
            assert {k: v for k, v in seen.items() if k not in moving} == {
                k: v for k, v in context.items() if k not in moving
            }
        assert {key: row["now"][key] for key in SAME_IN_ROWS} == {
            key: context[key] for key in SAME_IN_ROWS
        }
        assert open_buttons(read(play, role, "get_messages", conversation_id=play.id)) == []
    with db.signed_in_as(cast.omkar):
        looked_into = db.call("diagnose_conversation", conversation_id=play.id)
    told = ("kind", "chat_status", "flow_state", "awaiting_role", "deadline_at", "amount_minor")
    assert {key: looked_into[key] for key in told} == {key: context[key] for key in told}
    assert looked_into["problems"] == []
    assert play.stored()["version"] == version, "a reader wrote"
