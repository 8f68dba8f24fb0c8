"""What a step does beside the state: buttons, applications, submissions, blocks, the books."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow.checks import check_same
from tests.flow.deals import SCENES, Cast, Play, imagine, open_play
from tests.flow.rows import ADMIN, BEFORE_PAYMENT, BRAND_OWNER, INFLUENCER, PARTIES
from tests.flow.stages import Stage

# By scene: the buttons of the open action with their colors, and the field that is typed in.
DRAWN: dict[str, tuple[dict[str, str], str | None]] = {
    "influencer_responding": (
        {"accept_connection": "success", "reject_connection": "danger"}, None,
    ),
    "brand_owner_details": ({"end_conversation": "secondary"}, "details"),
    "influencer_reviewing": (
        {"accept_project": "success", "request_details_change": "secondary",
         "reject_project": "danger"},
        None,
    ),
    "brand_owner_pricing": ({"end_conversation": "secondary"}, "price"),
    "influencer_price_response": (
        {"accept_price": "success", "negotiate_price": "warning", "reject_price": "danger"}, None,
    ),
    "negotiation_input of the influencer": ({"back": "secondary"}, "price"),
    "negotiation_input of the brand owner": ({"back": "secondary"}, "price"),
    "brand_owner_negotiation after a counter": (
        {"accept_counter": "success", "make_counter_offer": "warning", "hold_price": "secondary",
         "end_conversation": "danger"},
        None,
    ),
    "influencer_final_response": ({"accept_price": "success", "reject_price": "danger"}, None),
    "payment_pending": (
        {"proceed_to_payment": "success", "end_conversation": "secondary"}, None,
    ),
    "payment_completed": ({"start_work": "success", "decline_work": "danger"}, None),
    "work_submitted": (
        {"approve_work": "success", "request_revision": "warning", "raise_dispute": "danger"}, None,
    ),
    "cancellation_requested by I during work": (
        {"accept_cancellation": "warning", "decline_cancellation": "secondary",
         "raise_dispute": "danger"},
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("scene", DRAWN)
def test_the_open_action_draws_what_its_state_shows(stage: Stage, cast: Cast, scene: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    assert play.model.awaiting is not None
    drawn = play.context(play.model.awaiting)["current_action_data"]
    buttons, field = DRAWN[scene]
    seen = {button["action"]: button["style"] for button in drawn.get("buttons") or []}
    # Others may leave too, in a quieter color.
    assert buttons.items() <= seen.items()
    assert set(seen) - set(buttons) <= {"end_conversation"}
    typed = drawn.get("input_field")
    if field is not None:
        assert typed["id"] == field
        assert drawn["submit_button"]["text"]


@pytest.mark.parametrize("scene", ["influencer_price_response", "influencer_final_response"])
def test_the_button_that_accepts_carries_the_price(stage: Stage, cast: Cast, scene: str) -> None:
    play = open_play(stage, cast, "bid", scene)
    drawn = play.context(INFLUENCER)["current_action_data"]
    (accept,) = (b for b in drawn["buttons"] if b["action"] == "accept_price")
    assert accept["data"]["price"] == 5000


@pytest.mark.parametrize(
    ("scene", "status"),
    [
        ("brand_owner_reviewing", "pending"),
        ("brand_owner_pricing", "accepted"),
        ("real_time", "accepted"),
        ("chat_closed", "rejected"),
    ],
)
def test_an_application_follows_its_conversation(
    stage: Stage, cast: Cast, scene: str, status: str
) -> None:
    play = open_play(stage, cast, "campaign", scene)
    for role in PARTIES:
        with stage.signed_in_as(play.user(role)):
            (request,) = stage.select("select * from public.requests")
            assert request["status"] == status
    with stage.signed_in_as(cast.chitra):
        stage.assert_hidden("select * from public.requests")
    assert play.stored()["request_id"] == request["id"]


def test_an_application_that_is_withdrawn_may_be_made_again(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "campaign", "brand_owner_reviewing")
    play.do("I", "end_conversation")
    campaign = play.stored()["campaign_id"]
    (request,) = stage.query("select status from public.requests")
    assert request["status"] == "closed"
    with stage.signed_in_as(cast.asha):
        again = stage.call("apply_to_campaign", campaign_id=campaign, quote=4000)
        assert again["created"] is True
        repeated = stage.call("apply_to_campaign", campaign_id=campaign, quote=3000)
    assert repeated["created"] is False
    assert repeated["conversation"]["conversation_id"] == again["conversation"]["conversation_id"]
    assert again["conversation"]["conversation_id"] != play.id


def work_of(play: Play) -> tuple[Any, ...]:
    """The columns that say how the work stands."""
    row = play.stored()
    submission = row["work_submission"]
    deliverables = None if submission is None else submission["deliverables"]
    return row["work_submitted"], row["work_status"], row["submission_date"], deliverables


def test_the_newest_submission_stands_in_the_conversation(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    assert work_of(play) == (False, "in_progress", None, None)
    play.do("I", "submit_work", deliverables="first")
    assert work_of(play) == (True, "submitted", stage.now(), "first")
    play.do("I", "withdraw_submission")
    assert work_of(play)[0] is False
    play.do("I", "submit_work", deliverables="second")
    play.do("B", "request_revision")
    assert play.stored()["work_status"] == "revision_requested"
    play.do("I", "submit_work", deliverables="third")
    assert work_of(play) == (True, "submitted", stage.now(), "third")
    play.do("B", "approve_work")
    assert play.stored()["work_status"] == "approved"
    with stage.signed_in_as(cast.bharat):
        work = stage.select(
            "select number, status, deliverables from public.work_submissions"
            " where conversation_id = %s order by number",
            play.id,
        )
    assert [tuple(row.values()) for row in work] == [
        (1, "withdrawn", "first"),
        (2, "revision_requested", "second"),
        (3, "approved", "third"),
    ]


@pytest.mark.parametrize("scene", SCENES["bid"])
def test_a_block_ends_what_holds_no_money_and_nothing_else(
    stage: Stage, cast: Cast, scene: str
) -> None:
    held = imagine("bid", scene).held
    state = imagine("bid", scene).state
    ends = state in (*BEFORE_PAYMENT.split(), "payment_pending", "real_time")
    assert not (ends and held)
    for role in PARTIES:
        with stage.rolled_back():
            play = open_play(stage, cast, "bid", scene)
            other = play.user(BRAND_OWNER if role == INFLUENCER else INFLUENCER)
            with stage.signed_in_as(play.user(role)):
                stage.call("block_user", user_id=other)
            row = play.stored()
            assert row["flow_state"] == ("chat_closed" if ends else state)
            assert play.context(role)["free_text_allowed"] is False
            if ends:
                assert row["deadline_at"] is None
                # Closing takes nobody's right to rate.
                left = ["rate_collaboration"] if scene == "real_time" else []
                assert [action["action"] for action in play.available(role)] == left
            else:
                check_same(play)


def test_a_deal_that_holds_money_goes_on_across_a_block(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "work_in_progress")
    with stage.signed_in_as(cast.bharat):
        stage.call("block_user", user_id=cast.asha)
    play.walk("I:submit_work B:request_revision I:submit_work B:approve_work")
    check_same(play)
    with stage.signed_in_as(cast.asha), stage.refused("BLOCKED", 403):
        stage.call("send_message", conversation_id=play.id, message="Thank you")


def test_every_history_is_proved_by_its_hashes(stage: Stage, cast: Cast) -> None:
    for kind, scenes in SCENES.items():
        for scene in scenes:
            with stage.rolled_back():
                play = open_play(stage, cast, kind, scene)
                versions = stage.query(
                    "select version, effective_at, created_at from public.conversation_events"
                    " where conversation_id = %s order by version",
                    play.id,
                )
                numbers = [row["version"] for row in versions]
                assert numbers == list(range(1, play.model.steps + 1)), scene
                assert all(row["effective_at"] <= row["created_at"] for row in versions)
                for role in PARTIES:
                    with stage.signed_in_as(play.user(role)):
                        proof = stage.call("verify_conversation", conversation_id=play.id)
                    assert (proof["valid"], proof["events"]) == (True, len(versions))


@pytest.mark.parametrize(
    ("scene", "who", "action"),
    [
        ("work_in_progress", INFLUENCER, "raise_dispute"),
        ("payment_completed", ADMIN, "force_dispute"),
    ],
)
def test_operators_are_told_of_what_needs_them(
    stage: Stage, cast: Cast, scene: str, who: str, action: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    count = "select count(*) from private.alerts where conversation_id = %s and status = 'open'"
    before = stage.value(count, play.id)
    play.do(who, action)
    assert stage.value(count, play.id) == before + 1


def test_money_in_words_of_the_context(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "cancellation_requested by I during work")
    play.do("B", "accept_cancellation")
    play.do("S", "refund_processed")
    for role in PARTIES:
        context = play.context(role)
        assert (context["price"], context["amount_minor"], context["currency"]) == (
            5000, 500000, "INR",
        )  # fmt: skip
        assert context["escrow"] == {
            "captured_minor": 500000, "held_minor": 0, "released_minor": 0, "fee_minor": 0,
            "refunded_minor": 500000, "charged_back_minor": 0,
        }  # fmt: skip
        assert context["waiting_on"] == "none"


@pytest.mark.parametrize(
    ("scene", "waiting_on"),
    [
        ("influencer_responding", INFLUENCER),
        ("payment_pending", BRAND_OWNER),
        ("disputed by I during work", "admin"),
        ("refund_pending", "provider"),
        ("real_time", "none"),
        ("chat_closed", "none"),
    ],
)
def test_the_context_says_on_whom_it_waits(
    stage: Stage, cast: Cast, scene: str, waiting_on: str
) -> None:
    play = open_play(stage, cast, "bid", scene)
    for role in PARTIES:
        assert play.context(role)["waiting_on"] == waiting_on
