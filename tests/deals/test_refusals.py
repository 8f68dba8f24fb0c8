"""What is no row of the flow is refused, with the first code that applies, and changes nothing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import everything
from tests.flow import model, rows
from tests.flow.deals import Cast, Play, open_play, scenes_to_try
from tests.flow.model import Refused
from tests.flow.rows import ADMIN, PARTIES, SYSTEM
from tests.flow.stages import Stage
from tests.support.databases import Database

# Every action that any flow knows, for whomever, and some that none does.
EVERY_ACTION = list(
    dict.fromkeys(
        [
            *(row.action for row in rows.ROWS),
            *rows.CREATION_ACTIONS,
            "send_message",
            "initial",
            "ACCEPT_PRICE",
            "accept_price; drop table messages",
            "",
        ]
    )
)
STATUS = {"ACTION_UNKNOWN": 422, "INPUT_INVALID": 422}
# Operators' own doors; what they answer where their action is no row.
OPERATORS = (
    "force_close",
    "force_dispute",
    "mark_refunded_manually",
    "resolve_release",
    "resolve_refund",
    "resolve_split",
    "resolve_resume",
)


@pytest.mark.parametrize(("kind", "scene"), scenes_to_try())
def test_what_is_no_row_is_refused_by_the_first_reason_and_changes_nothing(
    stage: Stage, cast: Cast, kind: str, scene: str
) -> None:
    play = open_play(stage, cast, kind, scene)
    before = everything(stage)
    refused = 0
    for role in PARTIES:
        allowed = set(model.available(play.model, role, play.now()))
        tried: set[str] = set()
        for action in EVERY_ACTION:
            given = play.usual(action)
            verdict = model.judge(play.model, play.step(role, action, given))
            if verdict is not None:
                expect_refusal(play, role, action, given, verdict, allowed)
                if verdict.code not in tried:
                    expect_the_same_of_a_trial(play, role, action, given, verdict)
                tried.add(verdict.code)
                refused += 1
        expect_no_free_text(play, role, is_open=scene == "real_time")
    assert refused > len(PARTIES) * len(EVERY_ACTION) / 2
    expect_facts_and_verdicts_refused(play)
    assert everything(stage) == before


def expect_refusal(
    play: Play,
    role: str,
    action: str,
    given: dict[str, Any],
    verdict: Refused,
    allowed: set[str],
) -> None:
    """The call is refused with this code and says what the caller must know."""
    details = dict(verdict.details)
    with play.db.refused(verdict.code, STATUS.get(verdict.code, 409), details=details) as refusal:
        play.call(role, action, given)
    assert refusal.message, f"{action}: no sentence for people"
    said = dict(refusal.details)
    if verdict.code in ("FLOW_STATE_INVALID", "NOT_YOUR_TURN", "GUARD_FAILED"):
        # What operators count refusals by.
        assert (said.pop("current_state"), said.pop("action")) == (play.model.state, action)
    if verdict.code == "FLOW_STATE_INVALID":
        required, offered = said.pop("required_state"), set(said.pop("allowed_actions"))
        # A single state is a text, as in the seed's example.
        required = {required} if isinstance(required, str) else set(required)
        assert said == {"awaiting_role": play.model.awaiting}, action
        assert required == model.states_for(play.kind, action), action
        assert offered == allowed, action


def expect_the_same_of_a_trial(
    play: Play, role: str, action: str, given: dict[str, Any], verdict: Refused
) -> None:
    """A simulation is refused with the code of the action."""
    with play.db.signed_in_as(play.user(role)):
        trial = play.db.call("simulate_action", conversation_id=play.id, action=action, input=given)
    assert (trial["allowed"], trial["error"]["error_code"]) == (False, verdict.code), action


def expect_no_free_text(play: Play, role: str, *, is_open: bool) -> None:
    """Nobody speaks freely before the work is approved, or after the end."""
    assert play.context(role)["free_text_allowed"] is is_open
    if not is_open:
        code = "FLOW_STATE_INVALID" if play.model.is_open else "CHAT_CLOSED"
        with play.db.signed_in_as(play.user(role)), play.db.refused(code, 409):
            play.db.call("send_message", conversation_id=play.id, message="psst")


def expect_facts_and_verdicts_refused(play: Play) -> None:
    """Razorpay's facts and operators' decisions that are no row here are refused."""
    facts = {row.action for row in rows.ROWS if row.role == SYSTEM}
    asked = [(SYSTEM, f) for f in sorted(facts)] + [(ADMIN, action) for action in OPERATORS]
    for role, action in asked:
        given = play.usual(action)
        verdict = model.judge_fact(play.model, play.step(role, action, given))
        is_clock = action.startswith("timer_") or action == "enable_real_time"
        if verdict is None and not is_clock:
            continue
        code = "ACTION_UNKNOWN" if verdict is None or is_clock else verdict.code
        with play.db.refused(code, STATUS.get(code, 409)):
            play.call(role, action, given)


def test_a_strangers_action_gets_the_answer_of_a_wrong_id(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "influencer_price_response")
    before = everything(stage)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("take_action", {"action": "accept_price"}),
        ("take_action", {"action": "no such thing", "expected_version": 99}),
        ("click_button", {"button_id": "accept_price"}),
        ("submit_text", {"text": "5000", "input_type": "price"}),
        ("submit_work", {"deliverables": "x"}),
        ("review_work", {"decision": "approve_work"}),
        ("get_available_actions", {}),
        ("simulate_action", {"action": "accept_price"}),
    ]
    for function, arguments in calls:
        for user, conversation in [(cast.chitra, play.id), (cast.asha, str(uuid.uuid4()))]:
            with (
                stage.signed_in_as(user),
                stage.refused("CONVERSATION_NOT_FOUND", 404) as refusal,
            ):
                stage.call(function, conversation_id=conversation, **arguments)
            assert conversation not in refusal.message
    assert everything(stage) == before


@pytest.mark.parametrize("role", PARTIES)
def test_a_user_of_the_deal_is_no_operator_and_no_gateway(
    stage: Stage, cast: Cast, role: str
) -> None:
    play = open_play(stage, cast, "bid", "disputed by I during work")
    before = everything(stage)
    with stage.signed_in_as(play.user(role)):
        for function, arguments in [
            ("resolve_dispute", {"verdict": "release"}),
            ("force_close", {"reason": "x"}),
            ("force_dispute", {"reason": "x"}),
            ("mark_refunded_manually", {"reference": "x"}),
        ]:
            with stage.refused("FORBIDDEN", 403):
                stage.call(function, conversation_id=play.id, **arguments)
        with stage.refused("FORBIDDEN", 403):
            stage.call("sweep_due")
    assert everything(stage) == before


def test_the_order_of_reasons(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "influencer_price_response")
    key = str(uuid.uuid4())
    asha = {"conversation_id": play.id, "client_action_id": key}
    with stage.rolled_back(), stage.signed_in_as(cast.asha):
        stage.call("take_action", action="reject_price", **asha)
        version = play.stored()["version"]
        stage.call("take_action", action="reject_price", **asha)
        assert play.stored()["version"] == version
        # The same key for something else comes before whatever is wrong with that.
        with stage.refused("IDEMPOTENCY_MISMATCH", 409):
            stage.call("take_action", action="no such", expected_version=10**15, **asha)
        # A version from the future comes before an action that does not exist.
        with stage.refused("VERSION_CONFLICT", 409):
            stage.call(
                "take_action", conversation_id=play.id, action="no such", expected_version=10**15
            )
    with stage.signed_in_as(cast.bharat):
        # An unknown action comes before the turn; the turn before the input.
        with stage.refused("ACTION_UNKNOWN", 422):
            stage.call("take_action", conversation_id=play.id, action="timer_idle")
        with stage.refused("NOT_YOUR_TURN", 409):
            stage.call(
                "take_action",
                conversation_id=play.id,
                action="accept_price",
                input={"price": "many"},
            )
        # The state comes before the turn and the input.
        with stage.refused("FLOW_STATE_INVALID", 409):
            stage.call("take_action", conversation_id=play.id, action="submit_work", input={"x": 1})
    with stage.signed_in_as(cast.asha):
        # The input comes before the price that stands.
        with stage.refused("PRICE_UNPARSEABLE", 422):
            stage.call(
                "take_action",
                conversation_id=play.id,
                action="accept_price",
                input={"price": "many"},
            )
        with stage.refused("PRICE_CHANGED", 409, details={"price": 5000}):
            stage.call(
                "take_action", conversation_id=play.id, action="accept_price", input={"price": 1}
            )


def test_a_direct_chat_knows_two_actions(stage: Stage, cast: Cast) -> None:
    with stage.signed_in_as(cast.asha):
        opened = stage.call("direct_connect", target_user_id=cast.bharat)
        talk = opened["conversation"]["conversation_id"]
        for action in EVERY_ACTION:
            if action in ("close_conversation", "reopen_conversation"):
                continue
            with stage.refused("ACTION_UNKNOWN", 422):
                stage.call("take_action", conversation_id=talk, action=action)
        with stage.refused("FLOW_STATE_INVALID", 409, details={"current_state": "real_time"}):
            stage.call("take_action", conversation_id=talk, action="reopen_conversation")
        stage.call("take_action", conversation_id=talk, action="close_conversation")
        with stage.refused("FLOW_STATE_INVALID", 409, details={"current_state": "chat_closed"}):
            stage.call("take_action", conversation_id=talk, action="close_conversation")


# What operators decide about a conversation; payouts and alerts of one: tests/payments.
DECISIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("resolve_dispute", {"verdict": verdict}) for verdict in ("release", "refund", "resume")),
    ("resolve_dispute", {"verdict": "split", "refund_amount": 1}),
    ("resolve_dispute", {"verdict": "split", "refund_amount": "5000"}),
    ("force_close", {"reason": "mine"}),
    ("force_dispute", {"reason": "mine"}),
    ("mark_refunded_manually", {"reference": "UTR 1"}),
    ("scrub_conversation_history", {"reason": "mine"}),
)


@pytest.mark.parametrize("scene", ["disputed by I during work", "refund_pending", "real_time"])
def test_an_operator_decides_nothing_in_a_deal_of_their_own(
    db: Database, people: Cast, scene: str
) -> None:
    play = open_play(db, people, "bid", scene)
    db.query("insert into private.admins (user_id) select unnest(%s)", [people.asha, people.bharat])
    before = everything(db)
    alerts = db.query("select id from private.alerts where conversation_id = %s", play.id)
    assert alerts or not scene.startswith("disputed")
    for user in (people.asha, people.bharat):
        for function, arguments in DECISIONS:
            with db.signed_in_as(user), db.refused("FORBIDDEN", 403):
                db.call(function, conversation_id=play.id, **arguments)
        for alert in alerts:
            with db.signed_in_as(user), db.refused("FORBIDDEN", 403):
                db.call("resolve_alert", alert_id=alert["id"])
    assert everything(db) == before
    if scene != "disputed by I during work":
        return
    with db.signed_in_as(people.omkar):
        assert db.call("resolve_dispute", conversation_id=play.id, verdict="refund")["success"]
