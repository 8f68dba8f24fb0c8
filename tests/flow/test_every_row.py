"""Every row of the flow, from every scene in which it may be taken."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.flow import model, rows
from tests.flow.checks import (
    check_few_events,
    check_messages,
    check_offered,
    check_open_action,
    check_quotes,
    check_same,
    heard_of,
)
from tests.flow.deals import SCENES, USUAL, Cast, Play, imagine, open_play, scenes_to_try
from tests.flow.model import Refused, Taken
from tests.flow.rows import ADMIN, INFLUENCER, PARTIES, SYSTEM
from tests.flow.stages import Stage
from tests.flow.state import GRACE, Deal, Step

SOME_DAY = datetime(2027, 1, 1, tzinfo=UTC)
# What a party may give a reason for.
WITH_REASON = frozenset({
    "reject_application", "reject_project", "reject_connection", "reject_price",
    "end_conversation", "decline_work", "cancel_before_start", "cancel_overdue", "give_up_work",
    "request_cancellation", "request_extension", "decline_cancellation", "decline_extension",
    "raise_dispute", "close_conversation",
})  # fmt: skip
ALL_SCENES = [(kind, scene) for kind in SCENES for scene in SCENES[kind]]
# What leaves nobody awaited, or somebody with nothing new to do.
WORK_STATUS = {
    "start_work": "in_progress",
    "submit_work": "submitted",
    "request_revision": "revision_requested",
    "approve_work": "approved",
    "timer_review_window": "approved",
    "resolve_release": "approved",
    "raise_dispute": "disputed",
    "force_dispute": "disputed",
    "decline_work": "cancelled",
    "accept_cancellation": "cancelled",
}
CLOSE_REASON = {
    ("reject_connection", INFLUENCER): "connection_rejected",
    ("reject_project", INFLUENCER): "project_rejected",
    ("reject_price", INFLUENCER): "price_not_agreed",
    ("end_conversation", "influencer"): "ended_by_influencer",
    ("end_conversation", "brand_owner"): "ended_by_brand_owner",
    ("timer_idle", SYSTEM): "expired",
}


def given_for(deal: Deal, action: str, payment: str) -> dict[str, Any]:
    """The usual input, as the model's deal needs it."""
    if action in ("payment_captured", "payment_mismatch"):
        amount = deal.agreed or 100
        return {"payment_id": payment, "amount_minor": amount, "currency": "INR"}
    given = dict(USUAL.get(action, {}))
    if action in WITH_REASON:
        given |= {"reason": "Because of the monsoon"}
    return given


def moves(deal: Deal) -> Iterator[tuple[rows.Row, dict[str, Any]]]:
    """The rows that may be taken here, with their input; timers always, when their time comes."""
    for row in rows.ROWS:
        if (row.kind, row.state) != (deal.kind, deal.state):
            continue
        given = given_for(deal, row.action, f"pay_of_{row.name}")
        at = SOME_DAY
        if row.action == "cancel_overdue":
            assert deal.delivery_due is not None
            at = deal.delivery_due + GRACE + timedelta(seconds=1)
        taken = model.take(copy.deepcopy(deal), Step(row.role, row.action, given, at, row.role))
        if not isinstance(taken, Refused) and taken[0].row == row:
            yield row, given


def test_every_row_has_a_scene() -> None:
    covered = {
        (row.kind, row.name, row.state, row.role)
        for kind, scene in ALL_SCENES
        for row, _ in moves(imagine(kind, scene))
    }
    assert covered == {
        (row.kind, row.name, row.state, row.role)
        for row in rows.ROWS
        if row.kind != "direct" and row.state != "work_approved"
    }


@pytest.mark.parametrize(("kind", "scene"), scenes_to_try())
def test_each_row_of_a_scene_does_what_its_table_says(
    stage: Stage, cast: Cast, kind: str, scene: str
) -> None:
    play = open_play(stage, cast, kind, scene)
    check_same(play)
    check_offered(play)
    check_open_action(play)
    before = play.model
    for row, given in list(moves(before)):
        play.model = copy.deepcopy(before)
        with stage.rolled_back():
            take_and_check(play, row, given)


def take_and_check(play: Play, row: rows.Row, given: dict[str, Any]) -> None:
    """Take the row and compare everything that it should have done."""
    if row.action.startswith("timer_"):
        play.let_pass_until(play.model.deadline)
    elif row.action == "cancel_overdue":
        assert play.model.delivery_due is not None
        play.let_pass_until(play.model.delivery_due + GRACE + timedelta(seconds=1))
    was, heard = play.stored(), {row["id"] for row in heard_of(play)}
    if row.action.startswith("timer_"):
        with play.db.as_service():
            play.db.call("sweep_due")
        taken = model.run_timers(play.model, play.now())
    else:
        answer = play.do(row.role, row.action, **given)
        taken = play.taken
        if row.role in PARTIES:
            check_answer(play, was, answer, taken)
    assert taken[0].row == row
    check_same(play)
    check_messages(play, taken, was["last_seq"])
    check_quotes(play, taken[0], given, was["last_seq"])
    is_chain = row.action.startswith("timer_")
    check_few_events(play, len(taken) if is_chain else 1, heard)
    check_open_action(play)
    check_offered(play)
    check_events(play, was["version"], taken)
    check_told(play, taken)
    if row.action in WORK_STATUS:
        assert play.stored()["work_status"] == WORK_STATUS[row.action], row.name
    if play.model.state == "chat_closed" and (row.action, row.role) in CLOSE_REASON:
        assert play.stored()["close_reason"] == CLOSE_REASON[row.action, row.role], row.name


def check_answer(play: Play, was: dict[str, Any], answer: Any, taken: list[Taken]) -> None:
    """What the caller gets: its next screen."""
    role = taken[0].step.role
    assert answer["success"] is True
    assert answer["conversation"] == play.context(role)
    assert answer["conversation"]["my_role"] == role
    assert answer["actions"] == play.available(role)
    update = answer["flow_update"]
    assert update["previous_state"] == was["flow_state"]
    assert update["new_state"] == taken[-1].row.to == answer["conversation"]["flow_state"]
    assert update["awaiting_role"] == taken[-1].awaiting
    assert update["path"] == [step.row.to for step in taken]
    assert update["reason"]
    with play.db.signed_in_as(play.user(role)):
        got = play.db.call(
            "get_messages", conversation_id=play.id, after_seq=was["last_seq"], page_size=100
        )
    assert answer["messages"] == got


def check_events(play: Play, version: int, taken: list[Taken]) -> None:
    """One row of the history for each step, which both sides may read."""
    wanted = [
        {
            "version": version + number,
            "actor_role": step.row.role,
            "action": step.row.action,
            "from_state": step.row.state,
            "to_state": step.row.to,
        }
        for number, step in enumerate(taken, 1)
    ]
    query = """
        select version, actor_role, action, from_state, to_state
        from public.conversation_events
        where conversation_id = %s and version > %s
        order by version
    """
    for role in PARTIES:
        with play.db.signed_in_as(play.user(role)):
            assert play.db.select(query, play.id, version) == wanted
    with play.db.signed_in_as(play.cast.chitra):
        play.db.assert_hidden(query, play.id, version)


def check_told(play: Play, taken: list[Taken]) -> None:
    """Both sides, and nobody else, hear of a new state."""
    if all(step.row.to == step.row.state for step in taken):
        return
    heard = play.db.query(
        """
        select topic, payload from realtime.messages
        where event = 'conversation_state_changed' and payload ->> 'conversation_id' = %s
        """,
        play.id,
    )
    last = {row["topic"] for row in heard if row["payload"]["new_state"] == taken[-1].row.to}
    assert last == {f"user:{play.user(role)}" for role in PARTIES}
    awaited = taken[-1].awaiting
    if awaited is not None and awaited != taken[0].step.role:
        check_notified(play, awaited)


def check_notified(play: Play, role: str) -> None:
    """Whoever must act now, after somebody else did, is notified of it."""
    notified = {row["topic"] for row in heard_of(play) if row["payload"].get("notification")}
    assert f"user:{play.user(role)}" in notified


@pytest.mark.parametrize("kind", ["bid", "campaign"])
def test_the_creation_is_a_step_of_its_own(stage: Stage, cast: Cast, kind: str) -> None:
    play = open_play(stage, cast, kind)
    action = {"bid": "connect_bid", "campaign": "apply_to_campaign"}[kind]
    creator = {"bid": "brand_owner", "campaign": INFLUENCER}[kind]
    (event,) = stage.query(
        "select version, actor_role, action, from_state, to_state, effective_at"
        " from public.conversation_events where conversation_id = %s",
        play.id,
    )
    assert event == {
        "version": 1,
        "actor_role": creator,
        "action": action,
        "from_state": "initial",
        "to_state": play.model.state,
        "effective_at": stage.now(),
    }
    messages = stage.query(
        "select message_type, visible_to from public.messages where conversation_id = %s", play.id
    )
    assert sorted((m["message_type"], m["visible_to"]) for m in messages) == sorted(
        [("automated", str(play.model.awaiting)), ("audit", creator)]
    )
    check_open_action(play)


TWO_AT_ONCE = [
    ("influencer_price_response", "I", "negotiate_price"),
    ("brand_owner_negotiation after a no", "B", "make_counter_offer"),
    ("brand_owner_negotiation after a counter", "B", "make_counter_offer"),
]


@pytest.mark.parametrize(("scene", "who", "action"), TWO_AT_ONCE)
def test_a_price_given_at_once_takes_both_steps(
    stage: Stage, cast: Cast, scene: str, who: str, action: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    was = play.stored()
    answer = play.do(who, action, price=5500.5)
    assert [step.row.action for step in play.taken] == [action, "submit_counter"]
    check_answer(play, was, answer, play.taken)
    check_events(play, was["version"], play.taken)
    check_messages(play, play.taken, was["last_seq"])
    check_same(play)
    check_open_action(play)


NO_PRICES: dict[str, list[Any]] = {
    "PRICE_OUT_OF_RANGE": [0.99, 10000000.01, -5],
    "INPUT_INVALID": [5000.123],
    "PRICE_UNPARSEABLE": ["5000 USD", "", "1e4"],
}


@pytest.mark.parametrize("code", NO_PRICES)
def test_a_price_that_is_none_takes_neither_of_both_steps(
    stage: Stage, cast: Cast, code: str
) -> None:
    play = open_play(stage, cast, "bid", "influencer_price_response")
    for price in NO_PRICES[code]:
        with stage.refused(code, 422):
            play.call(INFLUENCER, "negotiate_price", {"price": price})
        check_same(play)


def test_admins_and_the_system_do_nothing_that_users_can_do() -> None:
    for kind in SCENES:
        by_others = {r.action for r in rows.ROWS if r.kind == kind and r.role in (SYSTEM, ADMIN)}
        assert not by_others & set(model.party_actions(kind))
