"""The open action: both know that there is one, only who is awaited knows what it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.flow import model
from tests.flow.deals import SCENES, Cast, Play, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER, PARTIES
from tests.flow.stages import Stage

ALL_SCENES = [(kind, scene) for kind in SCENES for scene in SCENES[kind]]
SHARED = {"action_id", "flow_state", "message_type", "visible_to"}


def other(role: str) -> str:
    return BRAND_OWNER if role == INFLUENCER else INFLUENCER


def messages_of(play: Play) -> list[dict[str, Any]]:
    """All messages of the conversation, the oldest first, whoever may see them."""
    return play.db.query(
        "select * from public.messages where conversation_id = %s order by seq", play.id
    )


def from_rest(play: Play, role: str) -> Any:
    """The column as this party reads it from the table."""
    with play.db.signed_in_as(play.user(role)):
        (row,) = play.db.select(
            "select current_action_data from private.conversations where id = %s", play.id
        )
    return row["current_action_data"]


def drawn(play: Play, role: str) -> Any:
    return play.context(role)["current_action_data"]


@pytest.mark.parametrize(("kind", "scene"), ALL_SCENES)
def test_the_open_action_is_whole_and_for_its_reader(
    stage: Stage, cast: Cast, kind: str, scene: str
) -> None:
    play = open_play(stage, cast, kind, scene)
    check_readers(play)
    check_whole_actions(play)
    check_fields(play)


def check_readers(play: Play) -> None:
    """Both know that there is an open action, and only who is awaited reads it."""
    stage, awaited = play.db, play.model.awaiting
    stored = play.stored()["current_action_data"]
    for role in PARTIES:
        assert from_rest(play, role) == stored
    if awaited is None:
        assert stored is None
        assert [drawn(play, role) for role in PARTIES] == [None, None]
        return
    assert set(stored) == SHARED
    assert (stored["flow_state"], stored["visible_to"]) == (play.model.state, awaited)
    (message,) = stage.query("select * from public.messages where id = %s", stored["action_id"])
    assert (message["receiver_id"], message["visible_to"]) == (play.user(awaited), awaited)
    assert message["message_type"] == stored["message_type"] == "automated"
    assert (message["action_required"], message["action_completed"]) == (True, False)
    assert drawn(play, awaited) == message["action_data"]
    assert drawn(play, other(awaited)) is None
    with stage.signed_in_as(play.user(other(awaited))):
        stage.assert_hidden("select 1 from public.messages where id = %s", message["id"])


def check_whole_actions(play: Play) -> None:
    """Every action is whole and for its reader, and the open one says until when."""
    for message in messages_of(play):
        action_data = message["action_data"]
        assert (action_data is not None) is message["action_required"]
        if action_data is None:
            continue
        assert action_data["visible_to"] == action_data["allowed_for"] == message["visible_to"]
        assert action_data["action_id"] == str(message["id"])
        assert action_data["message_type"] == message["message_type"]
        assert action_data["title"]
        assert None not in action_data.values()
    if play.model.awaiting is None:
        return
    expires_at = drawn(play, play.model.awaiting)["expires_at"]
    assert datetime.fromisoformat(expires_at) == play.stored()["deadline_at"]


def check_fields(play: Play) -> None:
    """Buttons that need something carry the fields for it."""
    if play.model.awaiting is None:
        return
    action_data = drawn(play, play.model.awaiting)
    offered = {action["action"]: action for action in play.available(play.model.awaiting)}
    for button in action_data.get("buttons", []):
        required = offered[button["action"]]["schema"]["required"]
        fields = {field["id"] for field in button.get("input_fields", []) if field["required"]}
        assert fields == set(required), button
        # A button that needs nothing says nothing of fields.
        assert ("input_fields" in button) is bool(required), button
    if "input_field" in action_data:
        schema = offered[action_data["submit_action"]]["schema"]
        assert action_data["schema"] == schema
        assert action_data["input_field"] == action_data["input_fields"][0]
        fields = {field["id"] for field in action_data["input_fields"]}
        assert fields == set(schema["properties"])


def test_asking_for_a_change_carries_its_question(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "influencer_reviewing")
    buttons = {button["action"]: button for button in drawn(play, INFLUENCER)["buttons"]}
    (field,) = buttons["request_details_change"]["input_fields"]
    assert (field["id"], field["type"], field["required"]) == ("question", "textarea", True)
    assert "input_fields" not in buttons["accept_project"]
    # What may be left out needs no form: a reason, or the price that is a check.
    play = open_play(stage, cast, "bid", "influencer_price_response")
    assert all("input_fields" not in button for button in drawn(play, INFLUENCER)["buttons"])


# What is due and not written


@pytest.mark.parametrize("requester", PARTIES)
@pytest.mark.parametrize(
    ("scene", "awaited", "field"),
    [
        ("work_in_progress", INFLUENCER, "deliverables"),
        ("work_submitted", BRAND_OWNER, "feedback"),
    ],
)
def test_after_an_unanswered_request_the_form_is_there_before_anything_is_written(
    stage: Stage, cast: Cast, scene: str, awaited: str, field: str, requester: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    play.do(requester, "request_cancellation")
    play.let_pass(timedelta(hours=72))
    row, told = play.stored(), messages_of(play)
    action_data = drawn(play, awaited)
    assert (action_data["flow_state"], action_data["visible_to"], action_data["allowed_for"]) == (
        scene, awaited, awaited,
    )  # fmt: skip
    assert action_data["input_field"]["id"] == field
    assert action_data["title"]
    # There is no message of it yet.
    assert "action_id" not in action_data
    assert datetime.fromisoformat(action_data["expires_at"]) == datetime.fromisoformat(
        play.context(awaited)["deadline_at"]
    )
    assert drawn(play, other(awaited)) is None
    assert (play.stored(), messages_of(play)) == (row, told)
    # Written by whoever comes next, it stands in a message and draws the same.
    with stage.as_service():
        stage.call("sweep_due")
    model.run_timers(play.model, play.now())
    written = drawn(play, awaited)
    assert written["action_id"] == play.stored()["current_action_data"]["action_id"]
    for key in ("buttons", "input_field", "input_fields", "schema", "expires_at", "flow_state"):
        assert written.get(key) == action_data.get(key), key


def test_once_time_is_up_nobody_is_asked_though_nothing_is_written(
    stage: Stage, cast: Cast
) -> None:
    play = open_play(stage, cast, "bid", "influencer_price_response")
    assert drawn(play, INFLUENCER) is not None
    play.let_pass(timedelta(days=14))
    assert [drawn(play, role) for role in PARTIES] == [None, None]
    assert play.stored()["current_action_data"] is not None, "nothing is written yet"


# What is done


def open_actions(play: Play) -> list[dict[str, Any]]:
    return [m for m in messages_of(play) if m["action_required"] and not m["action_completed"]]


@pytest.mark.parametrize(
    ("scene", "who", "action"),
    [
        ("influencer_responding", INFLUENCER, "accept_connection"),
        ("influencer_responding", BRAND_OWNER, "end_conversation"),
        ("brand_owner_details", BRAND_OWNER, "send_project_details"),
        ("influencer_price_response", INFLUENCER, "reject_price"),
        ("payment_pending with an order", "system", "payment_captured"),
        ("payment_completed", BRAND_OWNER, "cancel_before_start"),
        ("work_in_progress with an extension proposed", INFLUENCER, "submit_work"),
        ("work_submitted", BRAND_OWNER, "request_revision"),
        ("work_submitted", "admin", "force_dispute"),
        ("cancellation_requested by I during work", BRAND_OWNER, "decline_cancellation"),
    ],
)
def test_what_a_step_leaves_behind_is_completed_and_says_by_what(
    stage: Stage, cast: Cast, scene: str, who: str, action: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    before = {message["id"] for message in open_actions(play)}
    assert before
    finished = {m["id"]: m["action_data"] for m in messages_of(play) if m["action_completed"]}
    play.do(who, action)
    after = {message["id"]: message for message in messages_of(play)}
    for one in before:
        assert after[one]["action_completed"] is True
        assert after[one]["action_data"]["completed_by"] == who
        assert after[one]["action_data"]["completed_action"] == action
    # What was completed earlier keeps who did it.
    assert {one: after[one]["action_data"] for one in finished} == finished
    left = [message["action_data"]["flow_state"] for message in open_actions(play)]
    assert set(left) <= {play.model.state}


def test_a_clock_completes_too(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "influencer_responding")
    play.let_pass(timedelta(days=7))
    with stage.as_service():
        stage.call("sweep_due")
    (message,) = (m for m in messages_of(play) if m["action_required"])
    assert message["action_completed"] is True
    data = message["action_data"]
    assert (data["completed_by"], data["completed_action"]) == ("system", "timer_idle")
    assert play.stored()["current_action_data"] is None


def test_a_question_that_stays_open_leaves_the_awaited_action_open(
    stage: Stage, cast: Cast
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.do("I", "request_extension")
    readers = {message["visible_to"] for message in open_actions(play)}
    assert readers == set(PARTIES)
    (form,) = (m for m in open_actions(play) if m["visible_to"] == INFLUENCER)
    assert drawn(play, INFLUENCER) == form["action_data"]
    # The brand owner is asked something and is still not the one who is awaited.
    assert drawn(play, BRAND_OWNER) is None
    (question,) = (m for m in open_actions(play) if m["visible_to"] == BRAND_OWNER)
    play.do("B", "decline_extension")
    (answered,) = stage.query("select * from public.messages where id = %s", question["id"])
    assert answered["action_completed"] is True
    data = answered["action_data"]
    assert (data["completed_by"], data["completed_action"]) == (BRAND_OWNER, "decline_extension")
    assert {message["visible_to"] for message in open_actions(play)} == {INFLUENCER}


def test_asking_to_pay_again_leaves_one_action_open(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending")
    for _ in range(3):
        play.do("B", "proceed_to_payment")
        (message,) = open_actions(play)
        assert drawn(play, BRAND_OWNER) == message["action_data"]
        assert message["action_data"]["payment_order"]["amount_minor"] == play.model.agreed
