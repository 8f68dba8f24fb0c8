"""No clock can be turned against the other side: each rule, and what people did without it.

Time passes by moving stored times; each test plays a deal as two people would.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.flow.checks import check_offered, check_same
from tests.flow.deals import Cast, Play, open_play
from tests.flow.model import Refused, run_timers, take
from tests.flow.rows import BRAND_OWNER, INFLUENCER, PARTIES
from tests.flow.stages import Stage
from tests.flow.state import ALLOWANCES, DELIVERY, GRACE, REVISION
from tests.support.databases import Database

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REVIEW = timedelta(days=7)
OTHER = {INFLUENCER: BRAND_OWNER, BRAND_OWNER: INFLUENCER}


def refused(play: Play, role: str, action: str, guard: str) -> None:
    """The guard refuses the action, it is not offered, and the model says the same."""
    with play.db.refused("GUARD_FAILED", 409, details={"guard": guard}):
        play.call(role, action, play.usual(action))
    assert action not in [one["action"] for one in play.available(role)]
    verdict = take(play.model, play.step(role, action, play.usual(action)))
    assert isinstance(verdict, Refused)
    assert verdict.details["guard"] == guard


def sweep(play: Play) -> dict[str, Any]:
    """Let what is due be written; the deal as it is then."""
    with play.db.as_service():
        play.db.call("sweep_due")
    run_timers(play.model, play.now())
    check_same(play)
    return play.stored()


def due(play: Play) -> datetime:
    """When the work is due."""
    moment: datetime = play.stored()["delivery_due_at"]
    return moment


# A revision has its own time


def test_a_revision_of_late_work_has_the_whole_time_of_a_revision(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.let_pass(DELIVERY + GRACE - 12 * HOUR)
    play.walk("I:submit_work B:request_revision")
    # Half a day of the grace was left, which the brand owner waited for.
    assert due(play) == stage.now() + REVISION
    assert play.stored()["deadline_at"] >= stage.now() + REVISION + GRACE
    play.let_pass(DAY)
    refused(play, BRAND_OWNER, "cancel_overdue", "is_overdue")
    check_same(play)


def test_a_revision_takes_no_time_away(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    before = due(play)
    assert before > stage.now() + REVISION
    play.do("B", "request_revision")
    assert due(play) == before


def test_a_revision_after_the_work_limit_has_its_time_too(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.let_pass(70 * DAY)
    play.do("I", "submit_work")
    play.let_pass(6 * DAY)
    play.do("B", "request_revision")
    assert due(play) == stage.now() + REVISION
    assert sweep(play)["flow_state"] == "work_in_progress"
    assert play.stored()["deadline_at"] == stage.now() + REVISION + GRACE
    play.let_pass(REVISION)
    play.do("I", "submit_work")
    check_same(play)


# Once work was submitted


def test_overdue_work_that_was_never_submitted_is_refunded(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.let_pass(DELIVERY + GRACE + HOUR)
    play.do("B", "cancel_overdue")
    assert play.stored()["flow_state"] == "refund_pending"


def test_an_overdue_revision_goes_to_an_operator(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.do("B", "request_revision")
    play.let_pass(DELIVERY + GRACE + HOUR)
    play.do("B", "cancel_overdue", reason="Where is it?")
    row = play.stored()
    assert (row["flow_state"], row["held_minor"]) == ("disputed", 500000)
    assert row["flow_data"]["dispute"]["opened_by"] == BRAND_OWNER
    check_same(play)
    # It is the one dispute that this side has.
    play.do("B", "withdraw_dispute")
    play.let_pass(2 * (REVISION + GRACE))
    refused(play, BRAND_OWNER, "cancel_overdue", "has_dispute_left")
    refused(play, BRAND_OWNER, "raise_dispute", "has_dispute_left")


def test_a_submission_that_was_taken_back_counts_no_more(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.do("I", "withdraw_submission")
    play.let_pass(DELIVERY + GRACE + HOUR)
    play.do("B", "cancel_overdue")
    assert play.stored()["flow_state"] == "refund_pending"


def test_the_one_before_counts_when_the_newest_is_taken_back(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.walk("B:request_revision I:submit_work I:withdraw_submission")
    play.let_pass(DELIVERY + GRACE + HOUR)
    play.do("B", "cancel_overdue")
    assert play.stored()["flow_state"] == "disputed"


@pytest.mark.parametrize(
    ("steps", "state", "books"),
    [
        ("", "refund_pending", (500000, 0)),
        ("I:submit_work B:request_revision", "disputed", (500000, 0)),
    ],
)
def test_the_work_limit_gives_no_submitted_work_back(
    stage: Stage, cast: Cast, steps: str, state: str, books: tuple[int, int]
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.walk(steps)
    play.let_pass_until(play.model.deadline)
    row = sweep(play)
    assert row["flow_state"] == state
    assert (row["held_minor"], row["released_minor"]) == books


@pytest.mark.parametrize("opener", PARTIES)
@pytest.mark.parametrize(
    ("scene", "state"), [("work_in_progress", "refund_pending"), ("work_submitted", "real_time")]
)
def test_an_undecided_dispute_ends_for_whoever_did_their_part(
    stage: Stage, cast: Cast, scene: str, state: str, opener: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    play.do(opener, "raise_dispute")
    play.let_pass(60 * DAY)
    row = sweep(play)
    assert row["flow_state"] == state
    assert row["released_minor"] == (500000 if state == "real_time" else 0)
    verdict = "select verdict from private.disputes where conversation_id = %s"
    assert stage.value(verdict, play.id) == "timer_dispute"


def test_nobody_gets_all_the_money_back_for_work_that_was_delivered(
    stage: Stage, cast: Cast
) -> None:
    """A revision that never comes, an operator who never decides: the money is released."""
    play = open_play(stage, cast, "bid", "work_submitted")
    play.do("B", "request_revision")
    play.let_pass(365 * DAY)
    row = sweep(play)
    assert (row["flow_state"], row["released_minor"]) == ("real_time", 500000)
    steps = stage.query(
        "select action, to_state from public.conversation_events"
        " where conversation_id = %s and actor_role = 'system' order by version desc limit 3",
        play.id,
    )
    assert [(one["action"], one["to_state"]) for one in steps] == [
        ("enable_real_time", "real_time"),
        ("timer_dispute", "work_approved"),
        ("timer_work_limit", "disputed"),
    ]


@pytest.mark.parametrize(
    ("days", "reminder", "severity"),
    [
        (6, None, "warning"), (7, 7, "warning"), (29, 7, "warning"), (30, 30, "warning"),
        (49, 30, "warning"), (50, 50, "critical"), (59, 50, "critical"),
    ],
)  # fmt: skip
def test_operators_are_reminded_of_a_dispute_that_waits(
    stage: Stage, cast: Cast, days: int, reminder: int | None, severity: str
) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.do("B", "raise_dispute")
    stage.query(
        "update private.disputes set opened_at = opened_at - %s where conversation_id = %s",
        *(days * DAY, play.id),
    )
    with stage.as_service():
        (alert,) = stage.call("list_alerts")
        urgent = stage.call("list_alerts", severity="critical")
    assert (alert["dispute_days"], alert["reminder"]) == (days, reminder)
    assert alert["severity"] == severity
    assert bool(urgent) == (severity == "critical")


def test_an_alert_that_was_resolved_early_is_raised_again_at_the_next_age(
    stage: Stage, cast: Cast
) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.do("B", "raise_dispute")

    def days_pass(days: int) -> None:
        stage.query(
            "update private.disputes set opened_at = opened_at - %s where conversation_id = %s",
            *(days * DAY, play.id),
        )
        stage.query(
            "update private.alerts set first_seen_at = first_seen_at - %s,"
            " resolved_at = resolved_at - %s where conversation_id = %s",
            *(days * DAY, days * DAY, play.id),
        )

    seen = []
    with stage.as_service():
        for days in (1, 5, 1, 22, 1, 19, 1, 8):
            days_pass(days)
            alerts = stage.call("list_alerts")
            seen.append([(alert["dispute_days"], alert["reminder"]) for alert in alerts])
            for alert in alerts:
                stage.call("resolve_alert", alert_id=alert["id"])
            assert stage.call("list_alerts") == []
            assert sum(stage.call("get_metrics")["open_alerts"].values()) == 0
    # Day 1, 6, 7, 29, 30, 49, 50, 58.
    assert seen == [[(1, None)], [], [(7, 7)], [], [(30, 30)], [], [(50, 50)], []]


# A pause gives its asker no time


ENDINGS = ("answered", "withdrawn", "timed out")


def end_pause(play: Play, asker: str, ending: str) -> None:
    """Let the cancellation request come to nothing, after as much time as it may take."""
    play.let_pass(timedelta(hours=72) if ending == "timed out" else timedelta(hours=71))
    if ending == "answered":
        play.do(OTHER[asker], "decline_cancellation")
    elif ending == "withdrawn":
        play.do(asker, "withdraw_cancellation")
    else:
        sweep(play)
    check_same(play)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_brand_owner_who_asks_to_cancel_gains_no_time_to_review(
    stage: Stage, cast: Cast, ending: str
) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.let_pass(DAY)
    left = play.stored()["deadline_at"] - stage.now()
    play.do("B", "request_cancellation")
    end_pause(play, BRAND_OWNER, ending)
    hours = 72 if ending == "timed out" else 71
    assert play.stored()["deadline_at"] == stage.now() + left - timedelta(hours=hours)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_request_in_the_last_hour_puts_no_approval_off(
    stage: Stage, cast: Cast, ending: str
) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.let_pass(REVIEW - HOUR)
    play.do("B", "request_cancellation")
    end_pause(play, BRAND_OWNER, ending)
    row = sweep(play)
    assert (row["flow_state"], row["released_minor"]) == ("real_time", 500000)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_influencer_who_asks_to_cancel_gains_no_time_to_work(
    stage: Stage, cast: Cast, ending: str
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    was = play.stored()
    started = stage.now()
    play.do("I", "request_cancellation")
    end_pause(play, INFLUENCER, ending)
    passed = timedelta(hours=72 if ending == "timed out" else 71)
    row = play.stored()
    assert stage.now() == started
    assert row["delivery_due_at"] == was["delivery_due_at"] - passed
    assert row["deadline_at"] == was["deadline_at"] - passed


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_influencer_whom_a_request_held_up_has_the_time_back(
    stage: Stage, cast: Cast, ending: str
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    was = play.stored()
    play.do("B", "request_cancellation")
    end_pause(play, BRAND_OWNER, ending)
    row = play.stored()
    assert row["delivery_due_at"] == was["delivery_due_at"]
    assert row["deadline_at"] == was["deadline_at"]


def test_work_that_was_nearly_overdue_has_a_revisions_time_after_the_others_pause(
    stage: Stage, cast: Cast
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.let_pass(DELIVERY + GRACE - HOUR)
    play.do("B", "request_cancellation")
    end_pause(play, BRAND_OWNER, "answered")
    assert due(play) == stage.now() + REVISION
    play.let_pass(2 * HOUR)
    refused(play, BRAND_OWNER, "cancel_overdue", "is_overdue")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_brand_owner_whom_a_request_held_up_has_the_whole_review(
    stage: Stage, cast: Cast, ending: str
) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.let_pass(REVIEW - HOUR)
    play.do("I", "request_cancellation")
    end_pause(play, INFLUENCER, ending)
    assert play.stored()["deadline_at"] == stage.now() + REVIEW


@pytest.mark.parametrize("opener", PARTIES)
@pytest.mark.parametrize("scene", ["work_in_progress", "work_submitted"])
def test_a_withdrawn_dispute_gives_its_opener_no_time(
    stage: Stage, cast: Cast, scene: str, opener: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    play.let_pass(2 * DAY)
    limit = play.stored()["deadline_at"]
    play.do(opener, "raise_dispute")
    play.let_pass(3 * DAY)
    play.do(opener, "withdraw_dispute")
    check_same(play)
    gone = play.stored()["deadline_at"] - (limit - 3 * DAY)
    if opener == play.stored()["awaiting_role"]:
        assert gone == timedelta(0)
    else:
        assert gone == {"work_in_progress": 3 * DAY, "work_submitted": 5 * DAY}[scene]


@pytest.mark.parametrize("opener", PARTIES)
def test_an_operator_who_lets_a_deal_go_on_gives_the_time_back(
    stage: Stage, cast: Cast, opener: str
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.let_pass(13 * DAY)
    play.do(opener, "raise_dispute")
    play.let_pass(30 * DAY)
    play.do("A", "resolve_resume")
    check_same(play)
    assert due(play) == stage.now() + REVISION


def test_two_pauses_of_two_sides_are_nobodys_alone(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    was = play.stored()
    play.do("I", "request_cancellation")
    play.let_pass(DAY)
    play.do("B", "raise_dispute")
    play.let_pass(DAY)
    play.do("B", "withdraw_dispute")
    check_same(play)
    assert due(play) == was["delivery_due_at"]


# Nothing goes round for ever


@pytest.mark.parametrize("asker", PARTIES)
@pytest.mark.parametrize("scene", ["work_in_progress", "work_submitted"])
def test_each_side_asks_to_cancel_twice(stage: Stage, cast: Cast, scene: str, asker: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    for _ in range(ALLOWANCES["request_cancellation"]):
        play.do(asker, "request_cancellation")
        play.do(OTHER[asker], "decline_cancellation")
    refused(play, asker, "request_cancellation", "has_cancellation_left")
    check_offered(play)
    play.do(OTHER[asker], "request_cancellation")


@pytest.mark.parametrize("opener", PARTIES)
def test_each_side_opens_one_dispute(stage: Stage, cast: Cast, opener: str) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    play.do(opener, "raise_dispute")
    play.do(opener, "withdraw_dispute")
    refused(play, opener, "raise_dispute", "has_dispute_left")
    play.do(OTHER[opener], "request_cancellation")
    refused(play, opener, "raise_dispute", "has_dispute_left")
    play.do(OTHER[opener], "raise_dispute")
    check_same(play)


def test_more_time_is_asked_for_twice(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    for answer in ("accept_extension", "decline_extension"):
        play.walk(f"I:request_extension B:{answer}")
    refused(play, INFLUENCER, "request_extension", "has_extension_left")


def test_work_is_taken_back_three_times(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    for _ in range(ALLOWANCES["withdraw_submission"]):
        play.walk("I:withdraw_submission I:submit_work")
    refused(play, INFLUENCER, "withdraw_submission", "has_withdrawal_left")


@pytest.mark.parametrize(
    ("scene", "role", "there"),
    [
        ("influencer_price_response", INFLUENCER, "negotiate_price"),
        ("brand_owner_negotiation after a no", BRAND_OWNER, "make_counter_offer"),
    ],
)
def test_a_price_is_thought_over_five_times(
    stage: Stage, cast: Cast, scene: str, role: str, there: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    for _ in range(ALLOWANCES["back"]):
        play.do(role, there)
        play.do(role, "back")
    play.do(role, there)
    refused(play, role, "back", "has_return_left")
    play.do(role, "submit_counter")


def test_what_they_did_for_sixty_days_ends_after_the_review(stage: Stage, cast: Cast) -> None:
    """A brand owner asked to cancel every 71 hours, and was never approved against."""
    play = open_play(stage, cast, "bid", "work_submitted")
    for _ in range(2):
        play.do("B", "request_cancellation")
        play.let_pass(timedelta(hours=71))
        play.do("I", "decline_cancellation")
    refused(play, BRAND_OWNER, "request_cancellation", "has_cancellation_left")
    play.let_pass(REVIEW - timedelta(hours=142))
    assert sweep(play)["flow_state"] == "real_time"


# Ratings


def rate(play: Play, role: str) -> None:
    """Rate, in the database and in the model."""
    play.do(role, "rate_collaboration", rating=4)
    check_same(play)


@pytest.mark.parametrize("closer", PARTIES)
def test_closing_the_chat_takes_nobodys_right_to_rate(
    stage: Stage, cast: Cast, closer: str
) -> None:
    play = open_play(stage, cast, "bid", "real_time")
    play.do(closer, "close_conversation")
    play.let_pass(14 * DAY - HOUR)
    for role in PARTIES:
        assert "rate_collaboration" in [one["action"] for one in play.available(role)]
        rate(play, role)
    with stage.signed_in_as(cast.asha):
        ratings = stage.call("get_ratings", conversation_id=play.id)
    assert (ratings["mine"]["rating"], ratings["theirs"]["rating"]) == (4, 4)


def test_two_weeks_after_the_end_nobody_rates(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "chat_closed after success")
    play.let_pass(14 * DAY)
    for role in PARTIES:
        refused(play, role, "rate_collaboration", "may_rate")


@pytest.mark.parametrize("scene", ["real_time", "chat_closed after success"])
def test_nobody_answers_a_rating_that_was_shown(stage: Stage, cast: Cast, scene: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    rate(play, INFLUENCER)
    play.let_pass(14 * DAY)
    with stage.signed_in_as(cast.bharat):
        shown = stage.call("get_ratings", conversation_id=play.id)
    assert shown["theirs"]["rating"] == 4
    refused(play, BRAND_OWNER, "rate_collaboration", "may_rate")


def test_in_the_free_chat_there_is_time_until_one_is_shown(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "real_time")
    play.let_pass(100 * DAY)
    rate(play, BRAND_OWNER)
    play.let_pass(14 * DAY - HOUR)
    rate(play, INFLUENCER)


@pytest.mark.parametrize("scene", ["chat_closed", "chat_closed after a refund"])
def test_a_deal_that_came_to_nothing_is_not_rated(stage: Stage, cast: Cast, scene: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    for role in PARTIES:
        refused(play, role, "rate_collaboration", "may_rate")


# Direct chats


def test_a_direct_chat_is_closed_and_opened_again_three_times_a_day(db: Database) -> None:
    asha, bharat = (db.create_user(name) for name in ("Asha", "Bharat"))
    with db.signed_in_as(asha):
        talk = db.call("direct_connect", target_user_id=bharat)["conversation"]
    chat = {"conversation_id": talk["conversation_id"]}
    with db.signed_in_as(asha):
        for _ in range(3):
            db.call("take_action", action="close_conversation", **chat)
            db.call("take_action", action="reopen_conversation", **chat)
        with db.refused("GUARD_FAILED", 409, details={"guard": "has_closing_left"}):
            db.call("take_action", action="close_conversation", **chat)
        assert db.call("get_available_actions", **chat) == []
    # Everybody has three of their own.
    with db.signed_in_as(bharat):
        db.call("take_action", action="close_conversation", **chat)
        db.call("take_action", action="reopen_conversation", **chat)
    # A day later there are three more. History cannot be changed but by the platform.
    db.query_as_superuser(
        "set session_replication_role = replica;"
        "update public.conversation_events set effective_at = effective_at - interval '1 day';"
        "reset session_replication_role"
    )
    with db.signed_in_as(asha):
        db.call("take_action", action="close_conversation", **chat)
        db.call("take_action", action="reopen_conversation", **chat)
