"""No timer runs anywhere: what is due counts from its own time, and is written later."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.chat.scenes import everything
from tests.flow import model
from tests.flow.checks import check_messages, check_offered, check_same, done
from tests.flow.deals import AFTER_OFFER, SCENES, Cast, Play, imagine, move_back, open_play
from tests.flow.model import Refused, Taken
from tests.flow.rows import BRAND_OWNER, INFLUENCER, PARTIES
from tests.flow.stages import Stage
from tests.flow.state import Deal

SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)
CLOCKED = [
    (kind, scene)
    for kind in SCENES
    for scene in SCENES[kind]
    # From the first price on both kinds walk the same rows, which test_rows.py compares.
    if imagine(kind, scene).deadline and (kind == "bid" or scene not in AFTER_OFFER)
]
# One scene of each state: a second before and after says the same once more.
A_SECOND = [
    ("bid", s) for s in {imagine(*one).state: one[1] for one in CLOCKED if one[0] == "bid"}.values()
]
# Scenes whose clocks are followed by other clocks.
CHAINED = [
    "cancellation_requested by I during work",
    "cancellation_requested by B during review",
    "work_submitted",
    "payment_pending with an order",
    "disputed by I during work",
]


def effective(play: Play) -> Deal:
    """The deal as it is now, with all that is due."""
    deal = copy.deepcopy(play.model)
    model.run_timers(deal, play.now())
    return deal


def check_seen(play: Play, stage: Stage) -> None:
    """Every reader sees the conversation as it is now."""
    deal = effective(play)
    for role in PARTIES:
        user = play.user(role)
        context = play.context(role)
        seen = (context["flow_state"], context["awaiting_role"], context["version"] > 0)
        assert seen == (deal.state, deal.awaiting, True)
        deadline = context["deadline_at"]
        assert (deadline and datetime.fromisoformat(deadline)) == deal.deadline
        books = context["escrow"]
        assert books["held_minor"] == deal.held
        assert books["released_minor"] == deal.released
        with play.db.signed_in_as(user):
            listed = play.db.call("get_conversations", filter="all")["conversations"]
            mine = play.db.call("get_conversations", filter="my_turn")["conversations"]
            unread = play.db.call("get_unread_count")
        with stage.rolled_back(), play.db.signed_in_as(user):
            synced = play.db.call("sync")["conversations"]
        (in_list,) = (c for c in listed if c["conversation_id"] == play.id)
        (in_sync,) = (c for c in synced if c["conversation_id"] == play.id)
        assert in_list == context
        assert in_sync["flow_state"] == deal.state
        is_mine = deal.awaiting == role
        assert [c["conversation_id"] for c in mine] == ([play.id] if is_mine else [])
        assert unread["my_turn"] == int(is_mine)
        names = [action["action"] for action in play.available(role)]
        assert sorted(names) == model.available(deal, role, play.now())


def sweep(play: Play) -> list[Taken]:
    """Let an operator's sweep write what is due; what the model takes then."""
    with play.db.as_service():
        play.db.call("sweep_due")
    return model.run_timers(play.model, play.now())


def check_stamps(play: Play, taken: list[Taken], version: int) -> None:
    """Each step is in the history with the time at which it was due."""
    rows = play.db.query(
        "select action, effective_at, created_at from public.conversation_events"
        " where conversation_id = %s and version > %s order by version",
        *(play.id, version),
    )
    assert [(row["action"], row["effective_at"]) for row in rows] == [
        (step.row.action, step.step.at) for step in taken
    ]
    assert {row["created_at"] for row in rows} <= {play.now()}


@pytest.mark.parametrize(("kind", "scene"), CLOCKED)
def test_at_the_edge_of_a_deadline_readers_see_what_is_written_then(
    stage: Stage, cast: Cast, kind: str, scene: str, subtests: pytest.Subtests
) -> None:
    play = open_play(stage, cast, kind, scene)
    edges = [-INSTANT, timedelta(0)] + ([-SECOND, SECOND] if (kind, scene) in A_SECOND else [])
    for late in edges:
        with subtests.test(late=late), stage.rolled_back():
            check_edge(dataclasses.replace(play, model=copy.deepcopy(play.model)), stage, late)


def check_edge(play: Play, stage: Stage, late: timedelta) -> None:
    """So long after the deadline of the deal, what is seen is what is written."""
    assert play.model.deadline is not None
    play.let_pass_until(play.model.deadline + late)
    state, was = play.model.state, play.stored()
    before = everything(stage)
    check_seen(play, stage)
    assert everything(stage) == before, "a reader wrote"
    taken = sweep(play)
    assert bool(taken) == (late >= timedelta(0))
    assert (play.model.state == state) == (late < timedelta(0))
    check_same(play)
    check_seen(play, stage)
    check_stamps(play, taken, was["version"])
    if taken:
        check_messages(play, taken, was["last_seq"])


@pytest.mark.parametrize("scene", CHAINED)
def test_ninety_days_later_every_step_has_its_own_time(
    stage: Stage, cast: Cast, scene: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    play.let_pass(timedelta(days=90))
    was = play.stored()
    check_seen(play, stage)
    taken = sweep(play)
    assert taken
    check_same(play)
    check_stamps(play, taken, was["version"])
    check_messages(play, taken, was["last_seq"])
    times = [step.step.at for step in taken]
    assert times == sorted(times)


def test_a_request_during_the_review_takes_two_clocks_and_three_steps(
    stage: Stage, cast: Cast
) -> None:
    play = open_play(stage, cast, "bid", "cancellation_requested by B during review")
    asked = stage.now()
    play.let_pass(timedelta(days=90))
    taken = sweep(play)
    long_ago = asked - timedelta(days=90)
    assert [(step.row.action, step.row.to, step.step.at) for step in taken] == [
        ("timer_cancellation", "work_submitted", long_ago + timedelta(hours=72)),
        ("timer_review_window", "work_approved", long_ago + timedelta(days=7)),
        ("enable_real_time", "real_time", long_ago + timedelta(days=7)),
    ]
    check_same(play)


def edges(deal: Deal, until: datetime) -> Iterator[datetime]:
    """Every moment up to this one at which a clock changes the deal."""
    deal = copy.deepcopy(deal)
    while deal.deadline is not None and deal.deadline <= until:
        moment = deal.deadline
        model.run_timers(deal, moment)
        yield moment


def hour_by_hour(deal: Deal, since: datetime, until: datetime) -> Deal:
    """The deal as somebody has it who looks at every hour, and at last at the end."""
    deal = copy.deepcopy(deal)
    moment = since
    while moment < until:
        model.run_timers(deal, moment)
        moment += timedelta(hours=1)
    model.run_timers(deal, until)
    return deal


@pytest.mark.parametrize("scene", CHAINED)
def test_looking_once_is_as_good_as_looking_every_hour(
    stage: Stage, cast: Cast, scene: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    since = stage.now()
    deal = play.model
    moments = {
        moment + late
        for moment in edges(deal, since + timedelta(days=90))
        for late in (-2 * SECOND, -SECOND, timedelta(0), SECOND, 2 * SECOND)
    }
    for moment in sorted(moments):
        watched = hour_by_hour(deal, since, moment)
        with stage.rolled_back():
            play.model = copy.deepcopy(deal)
            play.let_pass(moment - since)
            sweep(play)
            check_same(play)
            row = play.stored()
        seen = (row["flow_state"], row["awaiting_role"], row["version"], row["released_minor"])
        assert seen == (watched.state, watched.awaiting, watched.steps, watched.released)


@pytest.mark.parametrize(("kind", "scene"), CLOCKED)
def test_an_action_comes_after_what_is_due(stage: Stage, cast: Cast, kind: str, scene: str) -> None:
    play = open_play(stage, cast, kind, scene)
    play.let_pass_until(play.model.deadline)
    due = effective(play)
    before = everything(stage)
    for role in PARTIES:
        for action in model.available(play.model, role, play.now()):
            given = play.usual(action)
            verdict = model.judge(due, play.step(role, action, given))
            if isinstance(verdict, Refused):
                with stage.refused(verdict.code, 409):
                    play.call(role, action, given)
    assert everything(stage) == before, "a refused action wrote what was due"
    for role in PARTIES:
        for action in model.available(due, role, play.now()):
            with stage.rolled_back():
                deal, play.model = play.model, copy.deepcopy(play.model)
                was, given = play.stored(), play.usual(action)
                answer = play.call(role, action, given)
                taken = model.run_timers(play.model, play.now())
                more = model.take(play.model, play.step(role, action, given))
                assert not isinstance(more, Refused)
                check_same(play)
                check_stamps(play, taken + more, was["version"])
                assert answer["flow_update"]["previous_state"] == due.state
            play.model = deal


def test_a_login_writes_what_is_due_for_its_user(stage: Stage, cast: Cast) -> None:
    for user, other in ((cast.asha, cast.bharat), (cast.bharat, cast.asha)):
        with stage.rolled_back():
            plays = [open_play(stage, cast, "bid", "work_submitted") for _ in range(2)]
            plays.append(open_play(stage, cast, "campaign", "payment_completed"))
            quiet = open_play(stage, cast, "bid", "work_in_progress")
            for play in plays:
                play.let_pass_until(play.model.deadline)
            with stage.signed_in_as(cast.chitra):
                assert stage.call("login_cleanup")["deadlines_run"] == 0
            with stage.signed_in_as(user):
                assert stage.call("login_cleanup")["deadlines_run"] == len(plays)
                assert stage.call("login_cleanup")["throttled"] is True
            with stage.signed_in_as(other):
                assert stage.call("login_cleanup")["deadlines_run"] == 0
            for play in [*plays, quiet]:
                model.run_timers(play.model, play.now())
                check_same(play)


def test_a_sweep_does_so_many_at_most_and_the_longest_due_first(stage: Stage, cast: Cast) -> None:
    plays = [open_play(stage, cast, "bid", "work_submitted") for _ in range(3)]
    for days, play in enumerate(plays):
        play.let_pass_until(play.model.deadline)
        play.let_pass(timedelta(days=days))
    with stage.signed_in_as(cast.omkar):
        stage.call("sweep_due", max_rows=2)
    states = [play.stored()["flow_state"] for play in plays]
    assert states == ["work_submitted", "real_time", "real_time"]
    with stage.signed_in_as(cast.omkar):
        stage.call("sweep_due")
    assert plays[0].stored()["flow_state"] == "real_time"


def test_a_sweep_of_nothing_does_nothing(stage: Stage, cast: Cast) -> None:
    open_play(stage, cast, "bid", "work_submitted")
    before = everything(stage)
    with stage.as_service():
        stage.call("sweep_due")
    assert everything(stage) == before


@pytest.mark.parametrize("role", PARTIES)
def test_whoever_knows_a_version_hears_when_a_deadline_has_passed(
    stage: Stage, cast: Cast, role: str
) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    version = play.context(role)["version"]
    with stage.signed_in_as(play.user(role)):
        known: Any = stage.call(
            "get_conversation_context", conversation_id=play.id, known_version=version
        )
        assert known == {"not_modified": True, "version": version}
    play.let_pass_until(play.model.deadline)
    with stage.signed_in_as(play.user(role)):
        context = stage.call(
            "get_conversation_context", conversation_id=play.id, known_version=version
        )
    assert context["flow_state"] == "real_time"
    assert context["version"] > version


def test_every_attempt_to_pay_keeps_the_window_open(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending")
    entered = stage.now()
    assert play.stored()["deadline_at"] == entered + timedelta(days=7)
    play.let_pass(timedelta(days=6))
    for attempt in ("B:proceed_to_payment", "S:payment_failed"):
        play.walk(attempt)
        check_same(play)
        assert play.stored()["deadline_at"] == stage.now() + timedelta(hours=73)
        play.let_pass(timedelta(hours=72))
    play.let_pass(timedelta(hours=1))
    assert play.context(BRAND_OWNER)["flow_state"] == "chat_closed"
    # The payment that comes now comes too late, and goes back.
    play.call("system", "payment_captured", given := play.usual("payment_captured"))
    model.run_timers(play.model, play.now())
    model.take(play.model, play.step("system", "payment_captured", given))
    check_same(play)
    assert play.model.state == "chat_closed"


def test_a_day_has_24_hours_in_whatever_zone_a_caller_wants_times(stage: Stage, cast: Cast) -> None:
    """PostgREST lets a caller choose one: here the clocks went forward, and will soon go back."""
    switches = (stage.now() + days for days in (-timedelta(days=2), timedelta(days=2)))
    forward, back = (f"{moment.timetuple().tm_yday - 1}" for moment in switches)
    stage.query("select set_config('timezone', %s, true)", f"STD0DST,{forward},{back}")
    play = open_play(stage, cast, "bid", "work_in_progress with an extension proposed")
    check_same(play)
    play.walk("B:accept_extension I:submit_work B:request_revision")
    check_same(play)
    play.do("I", "raise_dispute")
    play.let_pass(timedelta(days=3))
    play.do("A", "resolve_resume")
    check_same(play)
    play.walk("I:submit_work B:approve_work")
    play.do("I", "rate_collaboration", rating=1)
    play.let_pass(timedelta(days=13, hours=23, minutes=30))
    with stage.signed_in_as(cast.bharat):
        assert stage.call("get_ratings", conversation_id=play.id)["theirs"] is None
    check_offered(play)


def test_time_in_a_dispute_is_no_time_to_work(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.let_pass(timedelta(days=3))
    limit, due = play.model.deadline, play.model.delivery_due
    play.do("I", "raise_dispute")
    play.let_pass(timedelta(days=30))
    play.do("A", "resolve_resume")
    check_same(play)
    assert play.model.deadline == limit
    assert play.model.delivery_due == due
    check_offered(play)


def test_a_review_that_goes_on_has_its_whole_time(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.let_pass(timedelta(days=6, hours=23))
    play.do("I", "request_cancellation")
    play.let_pass(timedelta(hours=10))
    play.do("B", "decline_cancellation")
    check_same(play)
    assert play.model.deadline == stage.now() + timedelta(days=7)


def test_the_party_that_stays_away_stalls_nobody(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.let_pass_until(play.model.deadline)
    with stage.signed_in_as(cast.asha):
        assert stage.call("login_cleanup")["deadlines_run"] == 1
    assert play.context(INFLUENCER)["escrow"]["released_minor"] == 500000
    assert play.context(BRAND_OWNER)["flow_state"] == "real_time"


def test_a_limit_that_ended_during_a_pause_counts_from_its_end(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.let_pass_until(play.model.deadline)
    play.let_pass(-timedelta(hours=1))
    play.do("I", "request_cancellation")
    play.let_pass(timedelta(hours=2))
    play.do("B", "decline_cancellation")
    was = play.stored()["version"]
    play.let_pass(timedelta(hours=5))
    check_seen(play, stage)
    taken = sweep(play)
    assert play.model.state == "refund_pending"
    check_same(play)
    # Nothing is dated before what led to it.
    check_stamps(play, taken, was)


def test_a_decision_from_before_a_deadline_is_refused_after_it(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    version = play.context(BRAND_OWNER)["version"]
    play.let_pass_until(play.model.deadline)
    with stage.signed_in_as(cast.bharat), stage.refused("VERSION_CONFLICT", 409):
        stage.call(
            "take_action",
            conversation_id=play.id,
            action="approve_work",
            expected_version=version,
        )


@pytest.mark.parametrize("scene", ["work_submitted", "cancellation_requested by I during work"])
def test_a_decision_on_what_a_reader_saw_after_a_deadline_is_taken(
    stage: Stage, cast: Cast, scene: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    play.let_pass_until(play.model.deadline)
    # Nobody has written yet that the time is over, but this is how it looks.
    context = play.context(INFLUENCER)
    (action, *_) = (a["action"] for a in play.available(INFLUENCER))
    with stage.signed_in_as(cast.asha):
        answer = stage.call(
            "take_action",
            conversation_id=play.id,
            action=action,
            input=play.usual(action),
            expected_version=context["version"],
        )
    assert answer["flow_update"]["previous_state"] == context["flow_state"]
    assert answer["conversation"]["version"] > context["version"]


def test_a_block_comes_after_what_is_due(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.let_pass_until(play.model.deadline)
    with stage.signed_in_as(cast.bharat):
        stage.call("block_user", user_id=cast.asha)
    row = play.stored()
    assert (row["flow_state"], row["released_minor"]) == ("chat_closed", 500000)


def test_free_text_is_open_from_the_deadline_on(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    with stage.signed_in_as(cast.asha):
        with stage.refused("FLOW_STATE_INVALID", 409):
            stage.call("send_message", conversation_id=play.id, message="Thank you!")
        play.let_pass_until(play.model.deadline)
        stage.call("send_message", conversation_id=play.id, message="Thank you!")
    model.run_timers(play.model, play.now())
    check_same(play)


def test_a_repeat_after_a_deadline_answers_what_was_done_and_takes_no_step(
    stage: Stage, cast: Cast
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    press = {
        "conversation_id": play.id,
        "action": "submit_work",
        "input": {"deliverables": "x"},
        "client_action_id": "00000000-0000-4000-8000-000000000001",
    }
    with stage.signed_in_as(cast.asha):
        first = stage.call("take_action", **press)
        move_back(stage, play.id, timedelta(days=30))
        again = stage.call("take_action", **press)
        assert done(again) == done(first)
        assert again["conversation"]["flow_state"] == "real_time"
        with stage.refused("IDEMPOTENCY_MISMATCH", 409):
            stage.call("take_action", **{**press, "input": {"deliverables": "y"}})
    assert play.stored()["flow_state"] == "work_submitted"
