"""A block: before the payment it ends deals, money goes on without words, free chats close."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.flow.checks import check_same
from tests.flow.deals import Cast, Play, open_play
from tests.flow.rows import BEFORE_PAYMENT, BRAND_OWNER, INFLUENCER, PARTIES
from tests.flow.stages import Stage
from tests.support.databases import PATIENCE, Database, Refusal, read_refusal
from tests.support.payments import attach_order, event_body, payment_entity, store_event

# One scene of each state before the payment, and of others by what becomes of them.
ENDING = [
    ("bid", "influencer_responding"),
    ("bid", "brand_owner_details"),
    ("bid", "influencer_reviewing"),
    ("bid", "negotiation_input of the influencer"),
    ("bid", "payment_pending with an order"),
    ("campaign", "influencer_responding"),
    ("campaign", "brand_owner_reviewing"),
    ("campaign", "brand_owner_pricing"),
    ("campaign", "brand_owner_negotiation after a counter"),
    ("campaign", "influencer_final_response"),
    ("campaign", "payment_pending"),
]
HOLDING = [
    ("bid", "payment_completed"),
    ("campaign", "work_in_progress with an extension proposed"),
    ("campaign", "work_submitted"),
    ("campaign", "cancellation_requested by I during work"),
    ("bid", "disputed by I during work"),
    ("campaign", "refund_pending"),
]
OPEN_DEALS = "select count(*) from private.conversations where flow_state <> 'chat_closed'"


def other(role: str) -> str:
    return BRAND_OWNER if role == INFLUENCER else INFLUENCER


def block(play: Play, role: str) -> None:
    with play.db.signed_in_as(play.user(role)):
        play.db.call("block_user", user_id=play.user(other(role)))


def unblock(play: Play, role: str) -> None:
    with play.db.signed_in_as(play.user(role)):
        play.db.call("unblock_user", user_id=play.user(other(role)))


def newest(play: Play, role: str) -> Any:
    """The newest message that this party gets."""
    with play.db.signed_in_as(play.user(role)):
        return play.db.call("get_messages", conversation_id=play.id, page_size=1)[0]


def last_event(play: Play) -> dict[str, Any]:
    return play.db.query(
        "select * from public.conversation_events where conversation_id = %s"
        " order by version desc limit 1",
        play.id,
    )[0]


# Before the payment


@pytest.mark.parametrize("role", PARTIES)
@pytest.mark.parametrize(("kind", "scene"), ENDING)
def test_before_the_payment_a_block_ends_the_deal(
    stage: Stage, cast: Cast, kind: str, scene: str, role: str
) -> None:
    play = open_play(stage, cast, kind, scene)
    assert play.model.state in (*BEFORE_PAYMENT.split(), "payment_pending")
    block(play, role)
    row = play.stored()
    assert (row["flow_state"], row["chat_status"], row["awaiting_role"], row["deadline_at"]) == (
        "chat_closed", "closed", None, None,
    )  # fmt: skip
    assert (row["close_reason"], row["closed_by"]) == (f"ended_by_{role}", play.user(role))
    event = last_event(play)
    assert (event["actor_role"], event["action"]) == (role, "end_conversation")
    # The other side is told that it has ended, and not that it was blocked.
    assert newest(play, other(role))["message"] == f"{role} ended the conversation."
    assert newest(play, role)["message"] == "You ended the conversation."
    for party in PARTIES:
        assert play.available(party) == []
        with stage.signed_in_as(play.user(party)), stage.refused("BLOCKED", 403):
            stage.call("send_message", conversation_id=play.id, message="hello")
    open_orders = "select count(*) from private.payment_orders where status = 'open'"
    assert stage.value(open_orders) == 0
    alive = "select count(*) from public.requests where status in ('pending', 'accepted')"
    assert stage.value(alive) == 0


def test_a_payment_that_comes_after_a_block_goes_back(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending with an order")
    given = play.usual("payment_captured")
    block(play, INFLUENCER)
    play.call("system", "payment_captured", given)
    (refund,) = stage.query("select kind, amount_minor from private.refunds")
    assert refund == {"kind": "bounce", "amount_minor": given["amount_minor"]}
    assert play.stored()["held_minor"] == 0


def test_a_block_ends_every_open_deal_of_the_two_and_no_other(stage: Stage, cast: Cast) -> None:
    ended = [
        open_play(stage, cast, "bid", "brand_owner_pricing"),
        open_play(stage, cast, "campaign", "brand_owner_reviewing"),
        open_play(stage, cast, "bid", "real_time"),
    ]
    held = open_play(stage, cast, "campaign", "work_in_progress")
    with stage.signed_in_as(cast.bharat):
        campaign = stage.call("create_campaign", title="Winter", brief="Two posts")["id"]
    with stage.signed_in_as(cast.chitra):
        theirs = stage.call("apply_to_campaign", campaign_id=campaign)["conversation"]
    block(held, BRAND_OWNER)
    assert {play.stored()["flow_state"] for play in ended} == {"chat_closed"}
    assert held.stored()["flow_state"] == "work_in_progress"
    with stage.signed_in_as(cast.chitra):
        context = stage.call("get_conversation_context", conversation_id=theirs["conversation_id"])
    assert (context["flow_state"], context["version"]) == (
        "brand_owner_reviewing", theirs["version"],
    )  # fmt: skip


# While money is held


@pytest.mark.parametrize("role", PARTIES)
@pytest.mark.parametrize(("kind", "scene"), HOLDING)
def test_what_holds_money_goes_on_without_words(
    stage: Stage, cast: Cast, kind: str, scene: str, role: str
) -> None:
    play = open_play(stage, cast, kind, scene)
    before = {party: [a["action"] for a in play.available(party)] for party in PARTIES}
    block(play, role)
    check_same(play)
    for party in PARTIES:
        assert [a["action"] for a in play.available(party)] == before[party]
        with stage.signed_in_as(play.user(party)), stage.refused("BLOCKED", 403):
            stage.call("send_message", conversation_id=play.id, message="hello")


@pytest.mark.parametrize("role", PARTIES)
def test_a_deal_is_worked_and_paid_across_a_block(stage: Stage, cast: Cast, role: str) -> None:
    play = open_play(stage, cast, "campaign", "payment_completed")
    block(play, role)
    play.walk("I:start_work I:request_extension B:accept_extension I:submit_work")
    play.walk("B:request_revision I:submit_work B:request_cancellation I:decline_cancellation")
    play.walk("B:approve_work")
    check_same(play)
    assert play.stored()["released_minor"] == play.model.agreed
    assert stage.value("select amount_minor from private.payouts") == play.model.agreed
    for party in PARTIES:
        assert play.context(party)["free_text_allowed"] is False
        with stage.signed_in_as(play.user(party)), stage.refused("BLOCKED", 403):
            stage.call("send_message", conversation_id=play.id, message="Thank you")
    # They may still say how it was, and close.
    play.walk("I:rate_collaboration B:rate_collaboration I:close_conversation")


@pytest.mark.parametrize("role", PARTIES)
def test_whoever_blocked_can_still_get_out(stage: Stage, cast: Cast, role: str) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    block(play, role)
    offered = {action["action"] for action in play.available(role)}
    assert {"request_cancellation", "raise_dispute"} <= offered
    play.do(role, "request_cancellation")
    play.do(other(role), "accept_cancellation")
    play.do("S", "refund_processed")
    check_same(play)
    assert play.stored()["flow_state"] == "chat_closed"


# After the work, and beside deals


@pytest.mark.parametrize("role", PARTIES)
@pytest.mark.parametrize("kind", ["bid", "campaign"])
def test_a_deal_that_is_done_closes(stage: Stage, cast: Cast, kind: str, role: str) -> None:
    play = open_play(stage, cast, kind, "real_time")
    block(play, role)
    row = play.stored()
    assert (row["flow_state"], row["close_reason"]) == ("chat_closed", f"closed_by_{role}")
    assert last_event(play)["action"] == "close_conversation"
    assert row["released_minor"] == play.model.agreed, "the money stays where it is"
    assert newest(play, other(role))["message"] == f"{role} closed the conversation."


def test_a_direct_chat_stays_and_is_silent_until_the_block_is_taken_back(
    stage: Stage, cast: Cast
) -> None:
    with stage.signed_in_as(cast.asha):
        talk = stage.call("direct_connect", target_user_id=cast.bharat, initial_message="hi")
    direct = talk["conversation"]["conversation_id"]
    play = open_play(stage, cast, "bid", "work_in_progress")
    steps = "select count(*) from public.conversation_events where conversation_id = %s"
    taken = stage.value(steps, direct)
    block(play, INFLUENCER)
    assert stage.value(steps, direct) == taken
    for user in (cast.asha, cast.bharat):
        with stage.signed_in_as(user):
            context = stage.call("get_conversation_context", conversation_id=direct)
            assert (context["flow_state"], context["free_text_allowed"]) == ("real_time", False)
            with stage.refused("BLOCKED", 403):
                stage.call("send_message", conversation_id=direct, message="hello")
    unblock(play, INFLUENCER)
    for user in (cast.asha, cast.bharat):
        with stage.signed_in_as(user):
            stage.call("send_message", conversation_id=direct, message="hello again")


@pytest.mark.parametrize("scene", ["brand_owner_pricing", "real_time"])
def test_taking_a_block_back_reopens_nothing(stage: Stage, cast: Cast, scene: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    block(play, INFLUENCER)
    row = play.stored()
    unblock(play, INFLUENCER)
    after = play.stored()
    assert (after["flow_state"], after["version"]) == ("chat_closed", row["version"])
    # A collaboration that succeeded can still be rated.
    left = {"rate_collaboration"} if scene == "real_time" else set()
    for party in PARTIES:
        assert {action["action"] for action in play.available(party)} == left
    # A new deal on the same bid is possible.
    with stage.signed_in_as(cast.bharat):
        again = stage.call("connect_bid", bid_id=row["bid_id"])
    assert again["created"] is True
    assert again["conversation"]["conversation_id"] != play.id


def test_a_second_block_takes_no_second_step(stage: Stage, cast: Cast) -> None:
    ended = open_play(stage, cast, "bid", "brand_owner_pricing")
    held = open_play(stage, cast, "bid", "work_in_progress")
    block(ended, INFLUENCER)
    versions = [play.stored()["version"] for play in (ended, held)]
    for role in PARTIES:
        block(ended, role)
    assert [play.stored()["version"] for play in (ended, held)] == versions


# Opening a deal across a block


def make(db: Database, cast: Cast) -> dict[str, Any]:
    """A bid and a campaign to deal on."""
    with db.signed_in_as(cast.asha):
        bid = db.call("create_bid", title="Three posts", description="On two feeds")["id"]
    with db.signed_in_as(cast.bharat):
        campaign = db.call("create_campaign", title="Autumn", brief="Three posts")["id"]
    return {"bid": bid, "campaign": campaign}


Opening = tuple[str, str, dict[str, Any]]


def openings(cast: Cast, made: dict[str, Any]) -> dict[str, Opening]:
    """By function: who calls it, and with what."""
    campaign = {"campaign_id": made["campaign"]}
    return {
        "connect_bid": (BRAND_OWNER, "connect_bid", {"bid_id": made["bid"]}),
        "apply_to_campaign": (INFLUENCER, "apply_to_campaign", campaign),
        "invite_to_campaign": (
            BRAND_OWNER, "invite_to_campaign", {**campaign, "influencer_id": cast.asha},
        ),
    }  # fmt: skip


FUNCTIONS = ("connect_bid", "apply_to_campaign", "invite_to_campaign")


@pytest.mark.parametrize("blocker", PARTIES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_across_a_block_no_deal_is_opened_in_either_direction(
    stage: Stage, cast: Cast, function: str, blocker: str
) -> None:
    made = make(stage, cast)
    users = {INFLUENCER: cast.asha, BRAND_OWNER: cast.bharat}
    role, name, arguments = openings(cast, made)[function]
    with stage.signed_in_as(users[blocker]):
        stage.call("block_user", user_id=users[other(blocker)])
    with stage.signed_in_as(users[role]), stage.refused("BLOCKED", 403):
        stage.call(name, **arguments)
    assert stage.value("select count(*) from private.conversations") == 0
    assert stage.value("select count(*) from public.requests") == 0
    with stage.signed_in_as(users[blocker]):
        stage.call("unblock_user", user_id=users[other(blocker)])
    with stage.signed_in_as(users[role]):
        assert stage.call(name, **arguments)["created"] is True


def test_a_deal_that_goes_on_is_still_found_across_a_block(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    block(play, INFLUENCER)
    with stage.signed_in_as(cast.bharat):
        found = stage.call("connect_bid", bid_id=play.stored()["bid_id"])
    assert (found["created"], found["conversation"]["conversation_id"]) == (False, play.id)


def answer_of(future: Any) -> Any:
    """An action result, or the refusal."""
    try:
        return future.result(PATIENCE)
    except psycopg.Error as error:
        return read_refusal(error)


def meet(
    db: Database,
    first: tuple[uuid.UUID, str, dict[str, Any]],
    second: tuple[uuid.UUID, str, dict[str, Any]],
) -> Any:
    """Let the second call come while the first is being made; its answer."""
    session = db.session()
    with db.transaction(), db.signed_in_as(first[0]):
        db.call(first[1], **first[2])
        with session.signed_in_as(second[0]):
            waiting = session.start(second[1], **second[2])
            db.wait_until_blocked(session)
    return answer_of(waiting)


@pytest.mark.parametrize("blocker", PARTIES)
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("comes_first", ["the block", "the deal"])
def test_a_block_that_meets_a_new_deal_leaves_none_open(
    db: Database, people: Cast, function: str, blocker: str, comes_first: str
) -> None:
    users = {INFLUENCER: people.asha, BRAND_OWNER: people.bharat}
    role, name, arguments = openings(people, make(db, people))[function]
    opening = (users[role], name, arguments)
    blocking = (users[blocker], "block_user", {"user_id": users[other(blocker)]})
    if comes_first == "the block":
        answer = meet(db, blocking, opening)
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.status) == ("BLOCKED", 403)
        assert db.value("select count(*) from private.conversations") == 0
    else:
        answer = meet(db, opening, blocking)
        assert answer == {"user_id": str(users[other(blocker)]), "blocked": True}
        (row,) = db.query("select flow_state, close_reason from private.conversations")
        assert row == {"flow_state": "chat_closed", "close_reason": f"ended_by_{blocker}"}
    assert db.value("select count(*) from public.blocks") == 1
    assert db.value(OPEN_DEALS) == 0


@pytest.mark.parametrize("comes_first", ["the block", "the payment"])
def test_a_block_that_meets_the_payment_keeps_the_deal_or_sends_the_money_back(
    db: Database, people: Cast, comes_first: str
) -> None:
    play = open_play(db, people, "bid", "payment_pending with an order")
    other_session = db.session()
    order = attach_order(db, play.id)
    event = store_event(db, event_body("payment.captured", payment=payment_entity(order)))

    def pay(session: Database, do: Callable[..., Any]) -> Any:
        with session.as_service():
            return do("process_payment_event", event_row_id=event)

    def shut(session: Database, do: Callable[..., Any]) -> Any:
        with session.signed_in_as(people.asha):
            return do("block_user", user_id=people.bharat)

    first, second = (shut, pay) if comes_first == "the block" else (pay, shut)
    with db.transaction():
        first(db, db.call)
        waiting = second(other_session, other_session.start)
        db.wait_until_blocked(other_session)
    answer = answer_of(waiting)
    assert not isinstance(answer, Refusal)
    row = play.stored()
    refunds = db.query("select kind from private.refunds")
    if comes_first == "the block":
        assert (row["flow_state"], row["held_minor"]) == ("chat_closed", 0)
        assert refunds == [{"kind": "bounce"}]
    else:
        assert (row["flow_state"], row["held_minor"]) == ("payment_completed", 500000)
        assert refunds == []
