"""Two buttons at once: one wins, and the other hears what happened instead."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.flow import model
from tests.flow.checks import done
from tests.flow.deals import Cast, Play, gather_cast, move_back, open_play
from tests.flow.model import Refused
from tests.flow.rows import BRAND_OWNER, INFLUENCER, PARTIES
from tests.support.crowds import OK, play_at_once
from tests.support.databases import PATIENCE, Database, Refusal, read_refusal
from tests.support.payments import attach_order, event_body, payment_entity, store_event

CROWD = 6


def result_of(future: Any) -> Any:
    """What a call in the background answered: an action result, or a refusal."""
    try:
        return future.result(PATIENCE)
    except psycopg.Error as error:
        return read_refusal(error)


def meet(play: Play, first: tuple[str, str], second: tuple[str, str]) -> Any:
    """Let the second press a button while the first's is being taken; what the second gets."""
    other = play.db.session()
    with play.db.transaction(), play.db.signed_in_as(play.user(first[0])):
        play.db.call("take_action", conversation_id=play.id, action=first[1], input={})
        with other.signed_in_as(play.user(second[0])):
            waiting = other.start(
                "take_action", conversation_id=play.id, action=second[1], input={}
            )
            play.db.wait_until_blocked(other)
    return result_of(waiting)


MEETINGS = [
    ("influencer_price_response", (INFLUENCER, "accept_price"), (INFLUENCER, "reject_price")),
    ("influencer_price_response", (INFLUENCER, "reject_price"), (INFLUENCER, "accept_price")),
    ("influencer_responding", (BRAND_OWNER, "end_conversation"), (INFLUENCER, "accept_connection")),
    ("payment_completed", (INFLUENCER, "start_work"), (BRAND_OWNER, "cancel_before_start")),
    ("payment_completed", (BRAND_OWNER, "cancel_before_start"), (INFLUENCER, "start_work")),
    ("work_in_progress", (INFLUENCER, "give_up_work"), (BRAND_OWNER, "request_cancellation")),
    ("work_in_progress", (BRAND_OWNER, "request_cancellation"), (INFLUENCER, "raise_dispute")),
    ("work_submitted", (BRAND_OWNER, "approve_work"), (INFLUENCER, "withdraw_submission")),
    ("work_submitted", (INFLUENCER, "withdraw_submission"), (BRAND_OWNER, "approve_work")),
    ("work_submitted", (INFLUENCER, "raise_dispute"), (BRAND_OWNER, "approve_work")),
    (
        "cancellation_requested by I during work",
        (INFLUENCER, "withdraw_cancellation"),
        (BRAND_OWNER, "accept_cancellation"),
    ),
    (
        "cancellation_requested by I during work",
        (BRAND_OWNER, "accept_cancellation"),
        (INFLUENCER, "withdraw_cancellation"),
    ),
    ("real_time", (INFLUENCER, "close_conversation"), (BRAND_OWNER, "close_conversation")),
]


@pytest.mark.parametrize(("scene", "first", "second"), MEETINGS)
def test_the_second_button_hears_what_the_first_has_done(
    db: Database, people: Cast, scene: str, first: tuple[str, str], second: tuple[str, str]
) -> None:
    play = open_play(db, people, "bid", scene)
    answer = meet(play, first, second)
    taken = model.take(play.model, play.step(*first, {}))
    assert not isinstance(taken, Refused)
    verdict = model.take(play.model, play.step(*second, {}))
    row = play.stored()
    assert (row["flow_state"], row["version"]) == (play.model.state, play.model.steps)
    if not isinstance(verdict, Refused):
        assert answer["flow_update"]["previous_state"] == taken[-1].row.to
        return
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.status) == (verdict.code, 409)
    if verdict.code == "FLOW_STATE_INVALID":
        assert answer.details["current_state"] == play.model.state


PILE = "a" + "\u0301" * 33


@pytest.mark.parametrize(("text", "rule"), [("\u00e9" * 40_000, "size"), (PILE, "combining_marks")])
def test_input_is_bounded_before_the_conversation_is_locked(
    db: Database, people: Cast, text: str, rule: str
) -> None:
    play = open_play(db, people, "bid", "work_in_progress")
    field = "input" if rule == "size" else "deliverables"
    given = {"action": "submit_work", "input": {"deliverables": text}}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("take_action", field, given),
        ("submit_work", field, {"deliverables": text}),
        ("submit_text", "text" if rule != "size" else field, {"text": text, "input_type": "x"}),
        ("click_button", field, {"button_id": "x", "additional_data": {"deliverables": text}}),
    ]
    with psycopg.connect(db.dsn()) as holder:
        # Somebody else holds the conversation, for as long as they like.
        holder.execute("select 1 from private.conversations where id = %s for update", (play.id,))
        other = db.session()
        for function, named, arguments in calls:
            with other.signed_in_as(people.asha):
                waiting = other.start(function, conversation_id=play.id, **arguments)
                refusal = result_of(waiting)
            assert (refusal.code, refusal.details) == (
                "INPUT_INVALID",
                {"field": named, "rule": rule},
            ), function


def test_input_is_composed_before_the_conversation_is_locked(db: Database, people: Cast) -> None:
    """What is stored is composed, and a line end before an accent is still a line end."""
    play = open_play(db, people, "bid", "work_in_progress")
    typed, stored = 'Cafe\u0301\n\u0303 "\u0338', 'Caf\u00e9\n\u0303 "\u0338'
    key = uuid.uuid4()
    with db.signed_in_as(people.asha):
        for text in (typed, stored):
            answer = db.call(
                "submit_work", conversation_id=play.id, deliverables=text, client_action_id=key
            )
            assert answer["conversation"]["flow_state"] == "work_submitted"
    assert (
        db.value(
            "select deliverables from public.work_submissions where conversation_id = %s", play.id
        )
        == stored
    )
    read = db.query(
        "select private.read_fields(%s) as it",
        Jsonb({"a": typed, "b": 1, "c": [typed], "d": None}),
    )[0]["it"]
    assert read == {"a": stored, "b": 1, "c": [typed], "d": None}


@pytest.mark.parametrize(
    ("scene", "role", "action"),
    [
        ("influencer_price_response", INFLUENCER, "accept_price"),
        ("payment_completed", INFLUENCER, "start_work"),
        ("work_submitted", BRAND_OWNER, "approve_work"),
    ],
)
def test_of_many_presses_at_once_one_is_taken(
    db: Database, people: Cast, scene: str, role: str, action: str
) -> None:
    play = open_play(db, people, "bid", scene)
    steps = play.model.steps

    def press(session: Database, number: int) -> Any:
        with session.signed_in_as(play.user(role)):
            return session.call("take_action", conversation_id=play.id, action=action)

    ends = play_at_once(db, CROWD, CROWD, press)
    assert ends[OK] == 1
    assert set(ends) <= {OK, "FLOW_STATE_INVALID", "NOT_YOUR_TURN"}
    assert play.stored()["version"] == steps + (2 if action == "approve_work" else 1)
    count = "select count(*) from public.conversation_events where conversation_id = %s"
    assert db.value(count, play.id) == play.stored()["version"]


def test_the_same_press_repeated_at_once_is_one_step_with_one_answer(
    db: Database, people: Cast
) -> None:
    play = open_play(db, people, "bid", "work_submitted")
    key = uuid.uuid4()
    sessions = [db.session() for _ in range(CROWD)]

    def press(session: Database) -> Any:
        with session.signed_in_as(people.bharat):
            return session.call(
                "take_action", conversation_id=play.id, action="approve_work",
                input={"feedback": "Excellent work!"}, client_action_id=key,
            )  # fmt: skip

    with ThreadPoolExecutor(CROWD) as crowd:
        answers = list(crowd.map(press, sessions))
    assert all(done(answer) == done(answers[0]) for answer in answers)
    assert {answer["conversation"]["flow_state"] for answer in answers} == {"real_time"}
    assert play.stored()["version"] == play.model.steps + 2
    assert db.value("select count(*) from private.payouts") == 1
    assert db.value("select count(*) from private.action_results") == 1
    with db.signed_in_as(people.bharat), db.refused("IDEMPOTENCY_MISMATCH", 409):
        db.call(
            "take_action", conversation_id=play.id, action="approve_work",
            input={"feedback": "Bad work!"}, client_action_id=key,
        )  # fmt: skip
    # A key is its user's own: the other side's same key is another action.
    with db.signed_in_as(people.asha):
        rated = db.call(
            "take_action", conversation_id=play.id, action="rate_collaboration",
            input={"rating": 5}, client_action_id=key,
        )  # fmt: skip
    assert rated["success"] is True


def test_a_repeat_answers_what_was_done_when_the_deal_has_moved_on(
    db: Database, people: Cast
) -> None:
    play = open_play(db, people, "bid", "influencer_price_response")
    press = {"conversation_id": play.id, "action": "accept_price", "client_action_id": uuid.uuid4()}
    with db.signed_in_as(people.asha):
        first = db.call("take_action", **press)
    with db.signed_in_as(people.bharat):
        db.call("take_action", conversation_id=play.id, action="end_conversation")
    with db.signed_in_as(people.asha):
        again = db.call("take_action", **press)
    # The message that asked for the payment is not theirs; what they read has not changed.
    assert done(again) == done(first)
    assert (again["conversation"]["flow_state"], again["actions"]) == ("chat_closed", [])
    assert play.stored()["flow_state"] == "chat_closed"


def test_a_decision_on_an_old_version_is_refused(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "work_in_progress")
    seen = {role: play.context(role)["version"] for role in PARTIES}
    press = {"conversation_id": play.id, "action": "submit_work", "input": {"deliverables": "x"}}
    with db.signed_in_as(people.bharat):
        db.call(
            "take_action", conversation_id=play.id, action="request_cancellation",
            expected_version=seen[BRAND_OWNER],
        )  # fmt: skip
        db.call("take_action", conversation_id=play.id, action="withdraw_cancellation")
    with db.signed_in_as(people.asha):
        with db.refused("VERSION_CONFLICT", 409) as refusal:
            db.call("take_action", expected_version=seen[INFLUENCER], **press)
        now = play.context(INFLUENCER)["version"]
        assert refusal.details["version"] == now
        with db.refused("VERSION_CONFLICT", 409):
            db.call("take_action", expected_version=now + 1, **press)
        # Reading on is no step.
        db.call("mark_read", conversation_id=play.id)
        db.call("set_conversation_preferences", conversation_id=play.id, pinned=True)
        db.call("take_action", expected_version=now, **press)
    assert play.stored()["flow_state"] == "work_submitted"


def test_a_rating_that_the_other_side_does_not_see_is_no_step_for_it(
    db: Database, people: Cast
) -> None:
    play = open_play(db, people, "bid", "real_time")
    version = play.context(BRAND_OWNER)["version"]
    play.do("I", "rate_collaboration")
    with db.signed_in_as(people.bharat):
        db.call(
            "take_action", conversation_id=play.id, action="close_conversation",
            expected_version=version,
        )  # fmt: skip
    assert play.stored()["flow_state"] == "chat_closed"


def test_what_the_other_side_reads_is_no_step_either(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "work_submitted")
    version = play.context(BRAND_OWNER)["version"]
    with db.signed_in_as(people.asha):
        db.call("mark_read", conversation_id=play.id)
    with db.signed_in_as(people.bharat):
        answer = db.call(
            "take_action", conversation_id=play.id, action="approve_work", expected_version=version
        )
        # The version of the answer is that of the context, and good for the next action.
        version = answer["conversation"]["version"]
        assert version == play.context(BRAND_OWNER)["version"]
        db.call(
            "take_action", conversation_id=play.id, action="close_conversation",
            expected_version=version,
        )  # fmt: skip


def let_deadline_pass(play: Play) -> None:
    """Let the review of the work have ended a second ago."""
    row = play.stored()
    left = row["deadline_at"] - play.now()
    move_back(play.db, play.id, left + timedelta(seconds=1))


def test_a_time_limit_that_passes_while_a_decision_waits_comes_before_it(
    db: Database, people: Cast
) -> None:
    play = open_play(db, people, "bid", "cancellation_requested by I during work")
    seen = play.context(BRAND_OWNER)["version"]
    other = db.session()
    with psycopg.connect(db.dsn()) as holder, other.signed_in_as(people.bharat):
        holder.execute("select from private.conversations where id = %s for update", [play.id])
        waiting = other.start(
            "take_action", conversation_id=play.id, action="raise_dispute", expected_version=seen
        )
        db.wait_until_blocked(other)
        # After the call began: what is due now was not when the user looked.
        holder.execute(
            "update private.conversations set deadline_at = clock_timestamp() where id = %s",
            [play.id],
        )
    assert result_of(waiting).code == "VERSION_CONFLICT"
    assert play.context(BRAND_OWNER)["flow_state"] == "work_in_progress"


def test_an_approval_that_meets_the_sweep_comes_too_late(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "work_submitted")
    let_deadline_pass(play)
    other = db.session()
    with db.transaction(), db.as_service():
        db.call("sweep_due")
        with other.signed_in_as(people.bharat):
            waiting = other.start("take_action", conversation_id=play.id, action="approve_work")
            db.wait_until_blocked(other)
    answer = result_of(waiting)
    assert (answer.code, answer.details["current_state"]) == ("FLOW_STATE_INVALID", "real_time")
    assert db.value("select count(*) from private.payouts") == 1


def test_a_sweep_passes_over_what_somebody_is_deciding(db: Database, people: Cast) -> None:
    busy, free = (open_play(db, people, "bid", "work_submitted") for _ in range(2))
    for play in (busy, free):
        let_deadline_pass(play)
    other = db.session()
    with db.transaction(), db.signed_in_as(people.bharat):
        with db.refused("FLOW_STATE_INVALID", 409), db.transaction():
            db.call("take_action", conversation_id=busy.id, action="approve_work")
        db.call("take_action", conversation_id=busy.id, action="rate_collaboration",
                input={"rating": 4})  # fmt: skip
        with other.as_service():
            sweeping = other.start("sweep_due")
        sweeping.result(PATIENCE)
        assert free.stored()["flow_state"] == "real_time"
    assert busy.stored()["flow_state"] == "real_time"
    assert db.value("select count(*) from private.payouts") == 2


def test_a_send_that_finds_a_passed_deadline_and_a_block_of_its_sender_never_deadlock(
    db: Database, people: Cast
) -> None:
    """Bharat holds the deal until both wait: the send for the deal, the block behind it."""
    play = open_play(db, people, "bid", "work_submitted")
    let_deadline_pass(play)
    sender, blocker = db.session(), db.session()
    with db.transaction(), db.signed_in_as(people.bharat):
        db.call("mark_read", conversation_id=play.id, up_to_seq=10**9)
        with sender.signed_in_as(people.asha):
            sending = sender.start("send_message", conversation_id=play.id, message="Thank you!")
            db.wait_until_blocked(sender)
        with blocker.signed_in_as(people.asha):
            blocking = blocker.start("block_user", user_id=people.bharat)
            db.wait_until_blocked(blocker)
    assert sending.result(PATIENCE)["message"]["message"] == "Thank you!"
    assert blocking.result(PATIENCE)["blocked"]


def test_logins_and_sweeps_at_once_run_each_deadline_once(db: Database, people: Cast) -> None:
    plays = [open_play(db, people, "bid", "work_submitted") for _ in range(4)]
    for play in plays:
        let_deadline_pass(play)
    sessions = {people.asha: db.session(), people.bharat: db.session()}

    def log_in(user: uuid.UUID) -> int:
        with sessions[user].signed_in_as(user):
            run: int = sessions[user].call("login_cleanup")["deadlines_run"]
        return run

    with ThreadPoolExecutor(2) as crowd:
        runs = list(crowd.map(log_in, sessions))
    with db.as_service():
        db.call("sweep_due")
    assert sum(runs) <= len(plays)
    assert {play.stored()["flow_state"] for play in plays} == {"real_time"}
    assert db.value("select count(*) from private.payouts") == len(plays)
    due = "select count(*) from public.conversation_events where action = 'timer_review_window'"
    assert db.value(due) == len(plays)


def test_a_payment_told_many_times_at_once_is_held_once(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending with an order")
    given = play.usual("payment_captured")

    def tell(session: Database, number: int) -> Any:
        return session.tell(play.id, "payment_captured", given)

    ends = play_at_once(db, CROWD, CROWD, tell)
    assert ends == {OK: 1, "GUARD_FAILED": CROWD - 1}
    row = play.stored()
    assert (row["flow_state"], row["held_minor"]) == ("payment_completed", 500000)
    assert db.value("select count(*) from private.escrow_ledger") == 1


def test_a_payment_that_meets_the_end_of_the_talk_is_never_lost(db: Database) -> None:
    people = gather_cast(db)
    play = open_play(db, people, "bid", "payment_pending with an order")
    order = attach_order(db, play.id)
    event = store_event(db, event_body("payment.captured", payment=payment_entity(order)))
    other = db.session()
    with db.transaction(), db.signed_in_as(people.asha):
        db.call("take_action", conversation_id=play.id, action="end_conversation")
        with other.as_service():
            waiting = other.start("process_payment_event", event_row_id=event)
            db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["outcome"] == "captured_after_closed"
    row = play.stored()
    assert (row["flow_state"], row["held_minor"], row["captured_minor"]) == ("chat_closed", 0, 0)
    (refund,) = db.query("select kind, amount_minor, status from private.refunds")
    assert refund == {"kind": "bounce", "amount_minor": 500000, "status": "requested"}


def test_two_brand_owners_presses_open_one_conversation(db: Database, people: Cast) -> None:
    with db.signed_in_as(people.asha):
        bid = db.call("create_bid", title="Three posts", description="On two feeds")["id"]
    opened: list[str] = []

    def connect(session: Database, number: int) -> Any:
        with session.signed_in_as(people.bharat):
            answer = session.call("connect_bid", bid_id=bid, proposed_amount=5000)
        opened.append(answer["conversation"]["conversation_id"])

    assert play_at_once(db, CROWD, CROWD, connect) == {OK: CROWD}
    assert len(set(opened)) == 1
    assert db.value("select count(*) from public.conversation_events") == 1


def test_a_button_of_an_old_message_is_completed(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "influencer_price_response")
    with db.signed_in_as(people.asha):
        newest = db.call("get_messages", conversation_id=play.id, page_size=1)[0]
        press = {
            "conversation_id": play.id,
            "button_id": "reject_price",
            "message_id": newest["id"],
        }
        db.call("click_button", **press)
        with db.refused("ACTION_ALREADY_COMPLETED", 409):
            db.call("click_button", **press)
    with db.signed_in_as(people.bharat), db.refused("MESSAGE_NOT_FOUND", 404):
        db.call("click_button", **press)
