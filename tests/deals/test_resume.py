"""A deal that goes on after a pause: nobody makes time for themselves, nobody loses any."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.flow.checks import check_same
from tests.flow.deals import Cast, Play, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER, PARTIES
from tests.flow.stages import Stage

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REVIEW = 7 * DAY
WORK_LIMIT = 75 * DAY
DELIVERY = 14 * DAY
# What is left to deliver at least after a pause that the influencer did not ask for.
REVISION = 7 * DAY


def left(play: Play) -> timedelta:
    """How long the state that the deal is in still has."""
    deadline: datetime = play.stored()["deadline_at"]
    return deadline - play.now()


def left_to_deliver(play: Play) -> timedelta:
    due: datetime = play.stored()["delivery_due_at"]
    return due - play.now()


def seen_left(play: Play, role: str) -> timedelta:
    """How long this party reads that there is."""
    context = play.context(role)
    return datetime.fromisoformat(context["deadline_at"]) - datetime.fromisoformat(
        context["server_now"]
    )


@pytest.fixture(params=["bid", "campaign"])
def review(request: pytest.FixtureRequest, stage: Stage, cast: Cast) -> Play:
    """Work that was submitted six days ago: one day of the review is left."""
    play = open_play(stage, cast, request.param, "work_submitted")
    play.let_pass(6 * DAY)
    assert left(play) == DAY
    return play


@pytest.fixture(params=["bid", "campaign"])
def work(request: pytest.FixtureRequest, stage: Stage, cast: Cast) -> Play:
    """Work that was paid and begun ten days ago."""
    play = open_play(stage, cast, request.param, "work_in_progress")
    play.let_pass(10 * DAY)
    assert (left(play), left_to_deliver(play)) == (WORK_LIMIT - 10 * DAY, DELIVERY - 10 * DAY)
    return play


# Whoever must decide does not win time by asking and taking back


@pytest.mark.parametrize("rounds", [1, 2])
def test_the_brand_owner_cannot_put_off_the_approval_by_asking_to_cancel(
    review: Play, rounds: int
) -> None:
    deadline = review.stored()["deadline_at"]
    for _ in range(rounds):
        review.walk("B:request_cancellation B:withdraw_cancellation")
        assert review.stored()["deadline_at"] == deadline
        check_same(review)
    for role in PARTIES:
        assert seen_left(review, role) == DAY
    review.let_pass(DAY)
    assert review.context(INFLUENCER)["flow_state"] == "real_time"
    assert review.context(INFLUENCER)["escrow"]["released_minor"] == review.model.agreed


def test_a_request_that_is_taken_back_has_cost_the_time_it_took(review: Play) -> None:
    review.do("B", "request_cancellation")
    review.let_pass(20 * HOUR)
    review.do("B", "withdraw_cancellation")
    assert left(review) == 4 * HOUR
    check_same(review)


def test_a_request_that_is_taken_back_after_the_review_was_over_leads_to_the_approval(
    review: Play,
) -> None:
    review.do("B", "request_cancellation")
    review.let_pass(2 * DAY)
    review.call(BRAND_OWNER, "withdraw_cancellation", {})
    for role in PARTIES:
        assert review.context(role)["flow_state"] == "real_time"
    assert review.context(INFLUENCER)["escrow"]["held_minor"] == 0


def test_the_brand_owner_cannot_put_off_the_approval_by_a_dispute(review: Play) -> None:
    deadline = review.stored()["deadline_at"]
    review.walk("B:raise_dispute B:withdraw_dispute")
    assert review.stored()["deadline_at"] == deadline
    check_same(review)
    assert seen_left(review, INFLUENCER) == DAY


def test_a_dispute_that_is_taken_back_after_the_review_was_over_leads_to_the_approval(
    review: Play,
) -> None:
    review.do("B", "raise_dispute")
    review.let_pass(3 * DAY)
    assert review.context(INFLUENCER)["flow_state"] == "disputed"
    review.call(BRAND_OWNER, "withdraw_dispute", {})
    for role in PARTIES:
        assert review.context(role)["flow_state"] == "real_time"


def test_asking_to_cancel_and_then_disputing_wins_no_time_either(review: Play) -> None:
    review.walk("B:request_cancellation B:raise_dispute B:withdraw_dispute")
    assert review.stored()["flow_state"] == "work_submitted"
    assert left(review) == DAY
    check_same(review)


# The brand owner whom the other side or an operator kept waiting has the whole review


def test_after_an_own_request_was_declined_there_is_the_time_that_was_left(review: Play) -> None:
    review.do("B", "request_cancellation")
    review.let_pass(5 * HOUR)
    review.do("I", "decline_cancellation")
    assert left(review) == DAY - 5 * HOUR
    check_same(review)


def test_after_a_request_was_declined_there_is_the_whole_review(review: Play) -> None:
    review.do("I", "request_cancellation")
    review.let_pass(5 * HOUR)
    review.do("B", "decline_cancellation")
    assert left(review) == REVIEW
    check_same(review)


def test_after_silence_there_is_the_whole_review(review: Play) -> None:
    review.do("I", "request_cancellation")
    review.let_pass(72 * HOUR)
    for role in PARTIES:
        assert review.context(role)["flow_state"] == "work_submitted"
        assert seen_left(review, role) == REVIEW
    review.let_pass(REVIEW - timedelta(microseconds=1))
    assert review.context(BRAND_OWNER)["flow_state"] == "work_submitted"
    review.let_pass(timedelta(microseconds=1))
    assert review.context(BRAND_OWNER)["flow_state"] == "real_time"


def test_after_silence_on_an_own_request_the_review_may_be_over(review: Play) -> None:
    review.do("B", "request_cancellation")
    review.let_pass(72 * HOUR - timedelta(microseconds=1))
    for role in PARTIES:
        assert review.context(role)["flow_state"] == "cancellation_requested"
    review.let_pass(timedelta(microseconds=1))
    for role in PARTIES:
        assert review.context(role)["flow_state"] == "real_time"


def test_the_influencers_own_request_takes_no_time_from_the_brand_owner(review: Play) -> None:
    review.do("I", "request_cancellation")
    review.let_pass(22 * HOUR)
    review.do("I", "withdraw_cancellation")
    assert left(review) == REVIEW
    check_same(review)


def test_the_influencers_dispute_leaves_the_brand_owner_the_whole_review(review: Play) -> None:
    review.do("I", "raise_dispute")
    review.let_pass(3 * DAY)
    review.do("I", "withdraw_dispute")
    assert left(review) == REVIEW
    check_same(review)


@pytest.mark.parametrize("opener", PARTIES)
def test_an_operators_verdict_leaves_the_whole_review(review: Play, opener: str) -> None:
    review.do(opener, "raise_dispute")
    review.let_pass(DAY)
    review.do("A", "resolve_resume")
    assert left(review) == REVIEW
    check_same(review)


# Work: a pause is given back to those who did not ask for it


@pytest.mark.parametrize("end", ["A:resolve_resume", "B:withdraw_dispute"])
def test_three_days_of_dispute_are_three_days_more_to_work_and_to_deliver(
    work: Play, end: str
) -> None:
    deadline = work.stored()["deadline_at"]
    work.do("B", "raise_dispute")
    for _ in range(3):
        work.let_pass(DAY)
    work.walk(end)
    # All stored times went back while the days passed.
    assert work.stored()["deadline_at"] == deadline
    assert (left(work), left_to_deliver(work)) == (WORK_LIMIT - 10 * DAY, REVISION)
    check_same(work)
    context = work.context(INFLUENCER)
    assert datetime.fromisoformat(context["delivery_due_at"]) == work.now() + REVISION
    # The work limit stays moved in what follows: it counts from the moved payment.
    work.walk("I:submit_work B:request_revision")
    assert left(work) == WORK_LIMIT - 10 * DAY
    work.walk("I:request_cancellation B:decline_cancellation")
    assert left(work) == WORK_LIMIT - 10 * DAY
    check_same(work)


def test_an_own_dispute_gives_no_time_to_work(work: Play) -> None:
    work.do("I", "raise_dispute")
    work.let_pass(3 * DAY)
    work.do("I", "withdraw_dispute")
    assert (left(work), left_to_deliver(work)) == (WORK_LIMIT - 13 * DAY, DELIVERY - 13 * DAY)
    check_same(work)


def test_two_disputes_move_the_limits_twice(work: Play) -> None:
    for opener in PARTIES:
        work.do(opener, "raise_dispute")
        work.let_pass(3 * DAY)
        work.do("A", "resolve_resume")
    assert (left(work), left_to_deliver(work)) == (WORK_LIMIT - 10 * DAY, REVISION)
    check_same(work)


@pytest.mark.parametrize("answer", ["I:withdraw_cancellation", "B:decline_cancellation"])
def test_the_clock_of_the_work_runs_on_during_an_own_request(work: Play, answer: str) -> None:
    work.do("I", "request_cancellation")
    work.let_pass(2 * DAY)
    work.walk(answer)
    assert (left(work), left_to_deliver(work)) == (WORK_LIMIT - 12 * DAY, DELIVERY - 12 * DAY)
    check_same(work)


@pytest.mark.parametrize("answer", ["B:withdraw_cancellation", "I:decline_cancellation"])
def test_the_clock_of_the_work_rests_during_the_others_request(work: Play, answer: str) -> None:
    work.do("B", "request_cancellation")
    work.let_pass(2 * DAY)
    work.walk(answer)
    assert (left(work), left_to_deliver(work)) == (WORK_LIMIT - 10 * DAY, REVISION)
    check_same(work)


def test_a_request_that_becomes_a_dispute_is_one_pause(work: Play) -> None:
    work.do("B", "request_cancellation")
    work.let_pass(2 * DAY)
    work.do("I", "raise_dispute")
    work.let_pass(3 * DAY)
    work.do("A", "resolve_resume")
    assert (left(work), left_to_deliver(work)) == (WORK_LIMIT - 10 * DAY, REVISION)
    check_same(work)


def test_a_start_window_that_rested_begins_anew(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_completed")
    play.let_pass(2 * DAY)
    play.do("S", "bank_dispute_opened")
    play.let_pass(30 * DAY)
    play.do("A", "resolve_resume")
    assert left(play) == 7 * DAY
    check_same(play)


@pytest.mark.parametrize("scene", ["work_in_progress", "work_submitted"])
def test_nothing_of_a_pause_is_left_behind(stage: Stage, cast: Cast, scene: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    status = play.stored()["work_status"]
    play.walk("I:request_cancellation")
    assert {"cancellation", "resume"} <= set(play.stored()["flow_data"])
    play.walk("I:raise_dispute")
    assert {"dispute", "resume"} <= set(play.stored()["flow_data"])
    assert play.stored()["work_status"] == "disputed"
    play.walk("A:resolve_resume")
    row = play.stored()
    assert not {"cancellation", "resume", "dispute"} & set(row["flow_data"])
    assert (row["flow_state"], row["work_status"]) == (scene, status)
