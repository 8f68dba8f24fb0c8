"""Guards at their edges: the last round, the last revision, one paisa, one microsecond."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.chat.scenes import block
from tests.flow import model
from tests.flow.checks import check_books, check_offered, check_same
from tests.flow.deals import PRICE, Cast, Play, open_play
from tests.flow.model import Refused
from tests.flow.rows import ADMIN, BRAND_OWNER, INFLUENCER, PARTIES, SYSTEM
from tests.flow.stages import Stage
from tests.flow.state import DELIVERY, GRACE, MAX_QUESTIONS, MAX_REVISIONS, MAX_ROUNDS, Deal

INSTANT = timedelta(microseconds=1)


def refuse(play: Play, role: str, action: str, code: str, /, **given: Any) -> Any:
    """The action is refused with this code and changes nothing; what the refusal said."""
    status = {"INPUT_INVALID": 422, "PRICE_OUT_OF_RANGE": 422, "PRICE_UNPARSEABLE": 422}
    with play.db.refused(code, status.get(code, 409)) as refusal:
        play.call(role, action, given or play.usual(action))
    check_same(play)
    return refusal.details


def guard_fails(play: Play, role: str, action: str, guard: str, /, **given: Any) -> None:
    """The action is refused because this guard does not hold."""
    assert refuse(play, role, action, "GUARD_FAILED", **given)["guard"] == guard


def names(play: Play, role: str) -> list[str]:
    """The names of what this party may do."""
    return [action["action"] for action in play.available(role)]


def set_flow_data(play: Play, **values: Any) -> None:
    """Change what the flow keeps of the deal, behind its back."""
    play.db.query(
        "update private.conversations set flow_data = flow_data || %s where id = %s",
        *(json.dumps(values), play.id),
    )


# Negotiation


def test_the_third_offer_is_the_last(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "influencer_price_response")
    for number, price in enumerate((5100, 5200), 2):
        play.walk("I:reject_price B:make_counter_offer")
        play.do("B", "submit_counter", price=price)
        assert play.model.round == number
    assert play.model.state == "influencer_final_response"
    assert names(play, INFLUENCER) == ["accept_price", "reject_price", "end_conversation"]
    refuse(play, INFLUENCER, "negotiate_price", "FLOW_STATE_INVALID")
    offers = stage.query(
        "select round, made_by, price, is_final from public.offers"
        " where conversation_id = %s order by version",
        play.id,
    )
    assert [(o["round"], int(o["price"]), o["is_final"]) for o in offers] == [
        (1, 5000, False),
        (2, 5100, False),
        (3, 5200, True),
    ]
    play.do("I", "accept_price", price=5200)
    check_same(play)


def test_after_the_last_round_no_counter_offer_is_typed(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "brand_owner_negotiation after a no")
    set_flow_data(play, negotiation_round=MAX_ROUNDS)
    play.model.round = MAX_ROUNDS
    refuse(play, BRAND_OWNER, "make_counter_offer", "NEGOTIATION_LIMIT")
    refuse(play, BRAND_OWNER, "make_counter_offer", "NEGOTIATION_LIMIT", price=5100)
    check_offered(play)


def test_a_held_price_is_the_last_offer_of_the_brand_owner(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "brand_owner_negotiation after a counter")
    play.do("B", "hold_price")
    assert refuse(play, INFLUENCER, "accept_price", "PRICE_CHANGED", price=6000)["price"] == PRICE
    play.do("I", "accept_price", price=PRICE)
    assert play.stored()["amount_minor"] == PRICE * 100


def test_a_no_leaves_no_counter_on_the_table(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "brand_owner_negotiation after a no")
    guard_fails(play, BRAND_OWNER, "accept_counter", "has_counter")
    assert "accept_counter" not in names(play, BRAND_OWNER)


def test_a_new_offer_takes_the_counter_off_the_table(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "brand_owner_negotiation after a counter")
    assert "accept_counter" in names(play, BRAND_OWNER)
    play.walk("B:make_counter_offer B:submit_counter I:reject_price")
    guard_fails(play, BRAND_OWNER, "accept_counter", "has_counter")


@pytest.mark.parametrize(
    ("scene", "role", "action", "standing"),
    [
        ("influencer_price_response", INFLUENCER, "accept_price", PRICE),
        ("influencer_final_response", INFLUENCER, "accept_price", PRICE),
        ("brand_owner_negotiation after a counter", BRAND_OWNER, "accept_counter", 6000),
        ("brand_owner_reviewing", BRAND_OWNER, "accept_application_at_quote", 4500),
    ],
)
def test_only_the_standing_price_is_accepted(
    stage: Stage, cast: Cast, scene: str, role: str, action: str, standing: int
) -> None:
    kind = "campaign" if action == "accept_application_at_quote" else "bid"
    play = open_play(stage, cast, kind, scene)
    for other in (standing - 0.01, standing + 0.01, 1, f"{standing}.50"):
        assert refuse(play, role, action, "PRICE_CHANGED", price=other)["price"] == standing
    for fine in ({"price": standing}, {"price": f"₹{standing}"}, {"price": None}, {}):
        with stage.rolled_back():
            play.call(role, action, fine)
            row = play.stored()
            assert (row["flow_state"], row["amount_minor"]) == ("payment_pending", standing * 100)
            assert row["flow_data"]["agreed_minor"] == standing * 100


def test_an_application_without_a_quote_has_none_to_accept(stage: Stage, cast: Cast) -> None:
    with stage.signed_in_as(cast.bharat):
        campaign = stage.call("create_campaign", title="Autumn", brief="Three posts")["id"]
    with stage.signed_in_as(cast.asha):
        opened = stage.call("apply_to_campaign", campaign_id=campaign)
    deal = Deal("campaign", "brand_owner_reviewing", BRAND_OWNER, stage.now())
    model.set_deadline(deal)
    play = Play(stage, cast, "campaign", opened["conversation"]["conversation_id"], deal)
    guard_fails(play, BRAND_OWNER, "accept_application_at_quote", "has_quote")
    check_offered(play)


def test_details_are_asked_for_ten_times(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "influencer_reviewing")
    for _ in range(MAX_QUESTIONS):
        play.walk("I:request_details_change B:send_project_details")
    guard_fails(play, INFLUENCER, "request_details_change", "has_question_left")
    check_offered(play)
    play.do("I", "accept_project")


@pytest.mark.parametrize(
    ("scene", "awaited", "other"),
    [
        ("negotiation_input of the influencer", INFLUENCER, BRAND_OWNER),
        ("negotiation_input of the brand owner", BRAND_OWNER, INFLUENCER),
    ],
)
def test_only_the_one_who_types_may_send_or_go_back(
    stage: Stage, cast: Cast, scene: str, awaited: str, other: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    refuse(play, other, "submit_counter", "NOT_YOUR_TURN")
    refuse(play, other, "back", "NOT_YOUR_TURN")
    # The turn comes before the input.
    refuse(play, other, "submit_counter", "NOT_YOUR_TURN", price="many")
    assert refuse(play, awaited, "submit_counter", "INPUT_INVALID", price=None)["field"] == "price"
    assert names(play, other) == ["end_conversation"]


# Payment


@pytest.mark.parametrize(
    "wrong",
    [{"amount_minor": PRICE * 100 - 1}, {"amount_minor": PRICE * 100 + 1}, {"currency": "USD"}],
)
def test_a_capture_of_something_else_is_no_payment(
    stage: Stage, cast: Cast, wrong: Mapping[str, Any]
) -> None:
    play = open_play(stage, cast, "bid", "payment_pending with an order")
    given = {**play.usual("payment_captured"), **wrong}
    guard_fails(play, SYSTEM, "payment_captured", "capture_matches", **given)
    play.do("S", "payment_mismatch", **given)
    check_same(play)
    play.do("S", "payment_captured")
    check_same(play)


def test_nothing_is_captured_before_anything_was_asked_for(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending")
    guard_fails(play, SYSTEM, "payment_captured", "has_order")
    guard_fails(play, SYSTEM, "payment_failed", "has_order")
    guard_fails(play, SYSTEM, "payment_mismatch", "has_order")


def test_proceeding_twice_asks_for_one_payment(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending with an order")
    play.do("B", "proceed_to_payment")
    check_same(play)
    count = "select count(*) from private.payment_orders where conversation_id = %s"
    assert stage.value(count, play.id) == 1


PAID_SCENES = [
    "payment_completed",
    "work_in_progress",
    "work_submitted",
    "cancellation_requested by I during work",
    "disputed by I during work",
    "refund_pending",
    "real_time",
    "chat_closed after a refund",
    "chat_closed after success",
]


@pytest.mark.parametrize("scene", PAID_SCENES)
def test_the_same_payment_counts_once_and_a_second_one_goes_back(
    stage: Stage, cast: Cast, scene: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    (held,) = play.model.payments
    deadline = play.stored()["deadline_at"]
    usual = {"amount_minor": PRICE * 100, "currency": "INR"}
    guard_fails(play, SYSTEM, "payment_captured", "is_new_payment", payment_id=held, **usual)
    play.do("S", "payment_captured", payment_id="pay_again", **usual)
    check_same(play)
    assert play.stored()["deadline_at"] == deadline
    guard_fails(play, SYSTEM, "payment_captured", "is_new_payment", payment_id="pay_again", **usual)
    refunds = stage.query(
        "select payment_id, amount_minor, kind, status from private.refunds"
        " where conversation_id = %s and kind = 'bounce'",
        play.id,
    )
    assert refunds == [
        {
            "payment_id": "pay_again",
            "amount_minor": PRICE * 100,
            "kind": "bounce",
            "status": "requested",
        }
    ]


def test_a_late_payment_goes_back(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "chat_closed unpaid with an order")
    play.do("S", "payment_captured")
    check_same(play)
    assert play.model.bounced == PRICE * 100


def test_a_payment_for_a_chat_that_never_asked_is_refused(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "chat_closed")
    guard_fails(play, SYSTEM, "payment_captured", "has_order")


@pytest.mark.parametrize("scene", PAID_SCENES[:6])
def test_an_operator_does_not_close_what_holds_money(stage: Stage, cast: Cast, scene: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    refuse(play, ADMIN, "force_close", "FUNDS_HELD")


# Work


@pytest.mark.parametrize("late", [-timedelta(seconds=1), -INSTANT, timedelta(0)])
def test_before_the_grace_is_over_nobody_is_overdue(
    stage: Stage, cast: Cast, late: timedelta
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    assert play.model.delivery_due == stage.now() + DELIVERY
    play.let_pass_until(play.model.delivery_due + GRACE + late)
    guard_fails(play, BRAND_OWNER, "cancel_overdue", "is_overdue")
    assert "cancel_overdue" not in names(play, BRAND_OWNER)


@pytest.mark.parametrize("late", [INSTANT, timedelta(seconds=1)])
def test_after_the_grace_the_brand_owner_may_cancel(
    stage: Stage, cast: Cast, late: timedelta
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    assert play.model.delivery_due is not None
    play.let_pass_until(play.model.delivery_due + GRACE + late)
    assert "cancel_overdue" in names(play, BRAND_OWNER)
    play.do("B", "cancel_overdue")
    check_same(play)


def test_an_accepted_extension_moves_what_is_overdue(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress with an extension proposed")
    play.do("B", "accept_extension")
    check_same(play)
    assert play.model.delivery_due == stage.now() + timedelta(days=17)
    play.let_pass(timedelta(days=24))
    guard_fails(play, BRAND_OWNER, "cancel_overdue", "is_overdue")
    guard_fails(play, BRAND_OWNER, "accept_extension", "has_extension")


def test_an_extension_must_be_proposed_and_ends_with_the_work(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    guard_fails(play, BRAND_OWNER, "accept_extension", "has_extension")
    guard_fails(play, BRAND_OWNER, "decline_extension", "has_extension")
    play.walk("I:request_extension B:decline_extension")
    check_same(play)
    guard_fails(play, BRAND_OWNER, "decline_extension", "has_extension")
    play.walk("I:request_extension I:submit_work B:request_revision")
    guard_fails(play, BRAND_OWNER, "accept_extension", "has_extension")
    check_offered(play)


def test_the_fourth_revision_is_one_too_many(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    play.walk(" I:submit_work ".join(["B:request_revision"] * 3))
    play.do("I", "submit_work")
    assert play.model.revisions == MAX_REVISIONS
    refuse(play, BRAND_OWNER, "request_revision", "REVISION_LIMIT")
    check_offered(play)
    play.do("B", "approve_work")
    numbers = stage.query(
        "select number, status from public.work_submissions where conversation_id = %s"
        " order by number",
        play.id,
    )
    assert [(row["number"], row["status"]) for row in numbers] == [
        (1, "revision_requested"),
        (2, "revision_requested"),
        (3, "revision_requested"),
        (4, "approved"),
    ]


def test_each_side_rates_once(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "real_time")
    for role in PARTIES:
        play.do(role, "rate_collaboration")
        guard_fails(play, role, "rate_collaboration", "is_unrated")
        check_offered(play)
    for rating in (0, 6, 4.5, "5 stars", None):
        fresh = open_play(stage, cast, "bid", "real_time")
        refuse(fresh, INFLUENCER, "rate_collaboration", "INPUT_INVALID", rating=rating)


# Leaving with money held


@pytest.mark.parametrize("scene", ["work_in_progress", "work_submitted"])
@pytest.mark.parametrize("asker", PARTIES)
def test_the_one_who_asked_to_cancel_may_withdraw_and_only_the_other_may_answer(
    stage: Stage, cast: Cast, scene: str, asker: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    other = BRAND_OWNER if asker == INFLUENCER else INFLUENCER
    play.do(asker, "request_cancellation", refund_amount=2000.5, reason="ill")
    refuse(play, asker, "accept_cancellation", "NOT_YOUR_TURN")
    refuse(play, asker, "decline_cancellation", "NOT_YOUR_TURN")
    refuse(play, other, "withdraw_cancellation", "NOT_YOUR_TURN")
    for role, action in [(asker, "withdraw_cancellation"), (other, "decline_cancellation")]:
        with stage.rolled_back():
            play.call(role, action, {})
            row = play.stored()
            assert row["flow_state"] == scene
            assert row["work_status"] == {"work_in_progress": "in_progress"}.get(scene, "submitted")
    play.do(other, "accept_cancellation")
    check_same(play)
    play.do("S", "refund_processed")
    check_same(play)
    assert play.model.refunded == 200050
    assert play.model.released == PRICE * 100 - 200050


@pytest.mark.parametrize("all_of_it", [PRICE, f"{PRICE}", f"Rs {PRICE:,}.00/-"], ids=repr)
def test_no_more_is_given_back_than_what_is_held(
    stage: Stage, cast: Cast, all_of_it: float | str
) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    for amount in (PRICE + 0.01, 0, -1):
        refuse(play, INFLUENCER, "request_cancellation", "PRICE_OUT_OF_RANGE", refund_amount=amount)
    play.do("I", "raise_dispute")
    refuse(play, ADMIN, "resolve_split", "PRICE_OUT_OF_RANGE", refund_amount=PRICE + 0.01)
    # All of it is a refund, by its name.
    play.call(ADMIN, "resolve_split", {"refund_amount": all_of_it})
    taken = model.take(play.model, play.step(ADMIN, "resolve_refund", {}))
    assert not isinstance(taken, Refused)
    said = (
        "select count(*) from public.conversation_events where conversation_id = %s and action = %s"
    )
    assert stage.value(said, play.id, "resolve_refund") == 1
    check_same(play)
    play.do("S", "refund_processed")
    check_same(play)
    assert (play.model.refunded, play.model.released) == (PRICE * 100, 0)


@pytest.mark.parametrize("opener", PARTIES)
def test_only_who_opened_a_dispute_withdraws_it(stage: Stage, cast: Cast, opener: str) -> None:
    play = open_play(stage, cast, "bid", "work_submitted")
    other = BRAND_OWNER if opener == INFLUENCER else INFLUENCER
    play.do(opener, "raise_dispute")
    refuse(play, other, "withdraw_dispute", "NOT_YOUR_TURN")
    play.do(opener, "withdraw_dispute")
    check_same(play)


@pytest.mark.parametrize(
    "scene",
    [
        "disputed by an operator before work",
        "disputed by the bank before work",
        "disputed by the bank during review",
    ],
)
def test_a_dispute_of_the_bank_or_an_operator_is_withdrawn_by_no_party(
    stage: Stage, cast: Cast, scene: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    for role in PARTIES:
        guard_fails(play, role, "withdraw_dispute", "is_opener")
        assert names(play, role) == []


def test_the_bank_loses_no_dispute_that_a_party_opened(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "disputed by I during work")
    guard_fails(play, SYSTEM, "bank_dispute_lost", "is_bank_dispute")
    play.do("S", "bank_dispute_opened")
    guard_fails(play, INFLUENCER, "withdraw_dispute", "is_opener")
    play.do("S", "bank_dispute_lost")
    check_same(play)
    check_books(play, play.stored())
    assert play.model.charged_back == PRICE * 100


# Direct chats


def test_only_the_one_who_closed_a_chat_reopens_it(stage: Stage, cast: Cast) -> None:
    with stage.signed_in_as(cast.asha):
        talk = stage.call("direct_connect", target_user_id=cast.bharat)["conversation"]
        chat = {"conversation_id": talk["conversation_id"]}
        closed = stage.call("take_action", action="close_conversation", **chat)
        assert closed["conversation"]["chat_status"] == "closed"
    with stage.signed_in_as(cast.bharat):
        assert stage.call("get_available_actions", **chat) == []
        with stage.refused("GUARD_FAILED", 409, details={"guard": "is_closer"}):
            stage.call("take_action", action="reopen_conversation", **chat)
        with stage.refused("CHAT_CLOSED", 409):
            stage.call("send_message", message="hello?", **chat)
    with stage.signed_in_as(cast.asha), stage.rolled_back():
        block(stage, cast.bharat, cast.asha)
        with stage.refused("GUARD_FAILED", 409, details={"guard": "is_unblocked"}):
            stage.call("take_action", action="reopen_conversation", **chat)
        assert stage.call("get_available_actions", **chat) == []
    with stage.signed_in_as(cast.asha):
        again = stage.call("take_action", action="reopen_conversation", **chat)
        assert again["conversation"]["chat_status"] == "real_time"
        stage.call("send_message", message="hello again", **chat)
    with stage.signed_in_as(cast.bharat):
        closed = stage.call(
            "take_action", action="close_conversation", client_action_id=uuid.uuid4(), **chat
        )
        assert closed["flow_update"]["new_state"] == "chat_closed"
