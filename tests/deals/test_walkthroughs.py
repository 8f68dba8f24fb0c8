"""The seed's automated flow examples, call by call, through each of the doors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chat.scenes import CONTEXT_KEYS, MESSAGE_KEYS
from tests.flow.deals import Cast
from tests.flow.stages import Stage

WORK = {
    "deliverables": "https://drive.google.com/...",
    "description": "3 Instagram posts as requested",
    "submission_notes": "All posts follow brand guidelines",
}
DETAILS = "Create 3 Instagram posts..."
ASHA, BHARAT = "asha", "bharat"

# Somebody does something in a conversation: `act(user, conversation, action, input)`.
Act = Callable[[str, str, str, dict[str, Any]], Any]


class Doors:
    """The ways in which a client may take a step."""

    def __init__(self, stage: Stage, cast: Cast) -> None:
        self.stage = stage
        self.cast = cast

    def call(self, who: str, function: str, /, **arguments: Any) -> Any:
        """Call as Asha or Bharat."""
        with self.stage.signed_in_as(getattr(self.cast, who)):
            return self.stage.call(function, **arguments)

    def take(self, who: str, talk: str, action: str, given: dict[str, Any]) -> Any:
        """The one engine itself; its answer has the context that is read afterwards."""
        answer = self.call(who, "take_action", conversation_id=talk, action=action, input=given)
        read = self.call(who, "get_conversation_context", conversation_id=talk)
        assert answer["conversation"] | {"server_now": read["server_now"]} == read
        return answer

    def press(self, who: str, talk: str, action: str, given: dict[str, Any]) -> Any:
        """As a chat does: the button of the newest action message, or the text typed there."""
        messages = self.call(who, "get_messages", conversation_id=talk)
        message = next(m for m in messages if m["action_required"] and not m["action_completed"])
        assert message["action_data"]["visible_to"] == message["visible_to"]
        typed = {
            "send_project_details": ("details", "project_details"),
            "send_price_offer": ("price", "price"),
            "submit_counter": ("price", "negotiation"),
        }
        if action in typed:
            key, input_type = typed[action]
            return self.call(
                who, "submit_text", conversation_id=talk, text=str(given[key]),
                input_type=input_type,
            )  # fmt: skip
        if action == "submit_work":
            return self.call(who, "submit_work", conversation_id=talk, **given)
        if action in ("approve_work", "request_revision"):
            return self.call(who, "review_work", conversation_id=talk, decision=action, **given)
        (button,) = (b for b in message["action_data"]["buttons"] if b["action"] == action)
        return self.call(
            who, "click_button", conversation_id=talk, button_id=button["id"],
            additional_data=given, message_id=message["id"],
        )  # fmt: skip

    def pay(self, talk: str, amount: int) -> Any:
        """The gateway tells that this many rupees came in."""
        fact = {"payment_id": "pay_1", "amount_minor": amount * 100, "currency": "INR"}
        return self.stage.tell(talk, "payment_captured", fact)


@pytest.fixture(params=["take_action", "the button's own door"])
def doors_and_act(request: pytest.FixtureRequest, stage: Stage, cast: Cast) -> tuple[Doors, Act]:
    """Each walk is taken twice: with take_action, and with the calls that a chat makes."""
    doors = Doors(stage, cast)
    return doors, doors.take if request.param == "take_action" else doors.press


def check_step(answer: Any, action: str, came_from: str, led_to: str, awaited: str | None) -> None:
    """The answer has the seed's shape and says where the step led."""
    assert answer["success"] is True, action
    update = answer["flow_update"]
    assert (update["previous_state"], update["new_state"]) == (came_from, led_to), action
    assert update["awaiting_role"] == awaited, action
    context = answer["conversation"]
    assert context.keys() >= CONTEXT_KEYS
    assert (context["flow_state"], context["awaiting_role"]) == (led_to, awaited)
    for message in answer["messages"]:
        assert message.keys() >= MESSAGE_KEYS
    for offered in answer["actions"]:
        assert {"action", "button_id", "text", "style", "input", "schema", "deadline_at"} <= set(
            offered
        )


def connect(doors: Doors) -> str:
    """Call 1 of the bid walk-through."""
    bid = doors.call(ASHA, "create_bid", title="Posts", description="Three posts", amount=6000)
    opened = doors.call(
        BHARAT, "connect_bid", bid_id=bid["id"], proposed_amount=5000,
        influencer_id=doors.cast.asha,
    )  # fmt: skip
    check_step(opened, "connect_bid", "initial", "influencer_responding", "influencer")
    assert opened["created"] is True
    again = doors.call(BHARAT, "connect_bid", bid_id=bid["id"], proposed_amount=5000)
    assert again["created"] is False
    talk: str = opened["conversation"]["conversation_id"]
    assert again["conversation"]["conversation_id"] == talk
    return talk


def work_on(doors: Doors, act: Act) -> str:
    """The whole bid walk-through, up to work in progress."""
    talk = connect(doors)
    walk: list[tuple[str, str, dict[str, Any], str, str]] = [
        (ASHA, "accept_connection", {}, "brand_owner_details", "brand_owner"),
        (BHARAT, "send_project_details", {"details": DETAILS}, "influencer_reviewing",
         "influencer"),
        (ASHA, "accept_project", {}, "brand_owner_pricing", "brand_owner"),
        (BHARAT, "send_price_offer", {"price": 5000}, "influencer_price_response", "influencer"),
        (ASHA, "accept_price", {"price": 5000}, "payment_pending", "brand_owner"),
        (BHARAT, "proceed_to_payment", {}, "payment_pending", "brand_owner"),
    ]  # fmt: skip
    state = "influencer_responding"
    for who, action, given, next_state, awaited in walk:
        check_step(act(who, talk, action, given), action, state, next_state, awaited)
        state = next_state
    doors.pay(talk, 5000)
    context = doors.call(ASHA, "get_conversation_context", conversation_id=talk)
    assert context["flow_state"] == "payment_completed"
    assert context["awaiting_role"] == "influencer"
    assert context["escrow"] == {
        "captured_minor": 500000, "held_minor": 500000, "released_minor": 0, "fee_minor": 0,
        "refunded_minor": 0, "charged_back_minor": 0,
    }  # fmt: skip
    check_step(
        act(ASHA, talk, "start_work", {}),
        "start_work", "payment_completed", "work_in_progress", "influencer",
    )  # fmt: skip
    return talk


def test_the_bid_walk_through_ends_in_free_chat(doors_and_act: tuple[Doors, Act]) -> None:
    doors, act = doors_and_act
    talk = work_on(doors, act)
    check_step(
        act(ASHA, talk, "submit_work", WORK),
        "submit_work", "work_in_progress", "work_submitted", "brand_owner",
    )  # fmt: skip
    approved = act(BHARAT, talk, "approve_work", {"feedback": "Excellent work!"})
    check_step(approved, "approve_work", "work_submitted", "real_time", None)
    assert approved["flow_update"]["path"] == ["work_approved", "real_time"]
    for who in (ASHA, BHARAT):
        context = doors.call(who, "get_conversation_context", conversation_id=talk)
        assert (context["chat_status"], context["work_status"]) == ("real_time", "approved")
        assert context["free_text_allowed"] is True
        assert (context["price"], context["amount_minor"]) == (5000, 500000)
        assert context["escrow"]["released_minor"] == 500000
        doors.call(who, "send_message", conversation_id=talk, message="Thank you!")
    page = doors.call(ASHA, "get_messages", conversation_id=talk, page_size=100)
    quotes = [m["action_data"]["quote"] for m in page if "quote" in (m["action_data"] or {})]
    bharat = str(doors.cast.bharat)
    assert {"by": bharat, "text": "Excellent work!"} in quotes, "the feedback reaches her"
    assert {"by": bharat, "text": DETAILS} in quotes, "the details reach her"
    with doors.stage.signed_in_as(doors.cast.asha):
        events = doors.stage.select(
            "select version, action from public.conversation_events"
            " where conversation_id = %s order by version",
            talk,
        )
    assert [event["action"] for event in events] == [
        "connect_bid", "accept_connection", "send_project_details", "accept_project",
        "send_price_offer", "accept_price", "proceed_to_payment", "payment_captured", "start_work",
        "submit_work", "approve_work", "enable_real_time",
    ]  # fmt: skip
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))


def test_the_work_walk_through_with_a_revision(doors_and_act: tuple[Doors, Act]) -> None:
    doors, act = doors_and_act
    talk = work_on(doors, act)
    act(ASHA, talk, "submit_work", WORK)
    revised = act(BHARAT, talk, "request_revision", {"feedback": "Please adjust the color scheme"})
    check_step(revised, "request_revision", "work_submitted", "work_in_progress", "influencer")
    context = doors.call(ASHA, "get_conversation_context", conversation_id=talk)
    assert context["work_status"] == "revision_requested"
    newest = doors.call(ASHA, "get_messages", conversation_id=talk, page_size=1)[0]
    assert newest["action_data"]["quote"] == {
        "by": str(doors.cast.bharat), "text": "Please adjust the color scheme",
    }  # fmt: skip
    act(ASHA, talk, "submit_work", {**WORK, "description": "Other colors"})
    act(BHARAT, talk, "approve_work", {"feedback": "Excellent work!"})
    with doors.stage.signed_in_as(doors.cast.bharat):
        work = doors.stage.select(
            "select number, deliverables, description, submission_notes, status, feedback"
            " from public.work_submissions where conversation_id = %s order by number",
            talk,
        )
    assert work == [
        {
            "number": 1, **WORK, "status": "revision_requested",
            "feedback": "Please adjust the color scheme",
        },
        {
            "number": 2, **WORK, "description": "Other colors", "status": "approved",
            "feedback": "Excellent work!",
        },
    ]  # fmt: skip


def test_the_campaign_walk_through(doors_and_act: tuple[Doors, Act]) -> None:
    doors, act = doors_and_act
    campaign = doors.call(
        BHARAT, "create_campaign", title="Autumn", brief="Three posts", budget=8000
    )
    applied = doors.call(
        ASHA, "apply_to_campaign", campaign_id=campaign["id"], quote=6500, pitch="I love autumn"
    )
    check_step(applied, "apply", "initial", "brand_owner_reviewing", "brand_owner")
    talk = applied["conversation"]["conversation_id"]
    walk: list[tuple[str, str, dict[str, Any], str, str, str]] = [
        (BHARAT, "accept_application", {}, "brand_owner_reviewing", "brand_owner_pricing",
         "brand_owner"),
        (BHARAT, "send_price_offer", {"price": 5000}, "brand_owner_pricing",
         "influencer_price_response", "influencer"),
        (ASHA, "negotiate_price", {}, "influencer_price_response", "negotiation_input",
         "influencer"),
        (ASHA, "submit_counter", {"price": 6000}, "negotiation_input", "brand_owner_negotiation",
         "brand_owner"),
        (BHARAT, "make_counter_offer", {}, "brand_owner_negotiation", "negotiation_input",
         "brand_owner"),
        (BHARAT, "submit_counter", {"price": "₹5,500"}, "negotiation_input",
         "influencer_price_response", "influencer"),
        (ASHA, "accept_price", {"price": 5500}, "influencer_price_response", "payment_pending",
         "brand_owner"),
        (BHARAT, "proceed_to_payment", {}, "payment_pending", "payment_pending", "brand_owner"),
    ]  # fmt: skip
    for who, action, given, state, next_state, awaited in walk:
        check_step(act(who, talk, action, given), action, state, next_state, awaited)
    doors.pay(talk, 5500)
    act(ASHA, talk, "start_work", {})
    act(ASHA, talk, "submit_work", WORK)
    approved = act(BHARAT, talk, "approve_work", {})
    check_step(approved, "approve_work", "work_submitted", "real_time", None)
    with doors.stage.signed_in_as(doors.cast.asha):
        (request,) = doors.stage.select("select status, quote, pitch from public.requests")
        offers = doors.stage.select(
            "select made_by, round, price from public.offers order by version"
        )
    assert (request["status"], int(request["quote"])) == ("accepted", 6500)
    assert [(o["made_by"], int(o["price"])) for o in offers] == [
        ("brand_owner", 5000), ("influencer", 6000), ("brand_owner", 5500),
    ]  # fmt: skip


def test_the_seeds_example_of_an_error(stage: Stage, cast: Cast) -> None:
    doors = Doors(stage, cast)
    talk = work_on(doors, doors.take)
    with (
        stage.signed_in_as(cast.asha),
        stage.refused("FLOW_STATE_INVALID", 409) as refusal,
    ):
        stage.call("take_action", conversation_id=talk, action="accept_price")
    assert refusal.details["current_state"] == "work_in_progress"
    assert set(refusal.details["required_state"]) == {
        "influencer_price_response", "influencer_final_response",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "paise"),
    [
        ("5000", 500000), ("5,000", 500000), ("5,00,000", 50000000), ("5000.50", 500050),
        ("₹ 5k", 500000), ("Rs. 5000/-", 500000), ("INR 1.5 lakh", 15000000),
    ],
)  # fmt: skip
def test_a_typed_price_is_understood_and_echoed(
    stage: Stage, cast: Cast, text: str, paise: int
) -> None:
    doors = Doors(stage, cast)
    talk = connect(doors)
    doors.take(ASHA, talk, "accept_connection", {})
    doors.take(BHARAT, talk, "send_project_details", {"details": DETAILS})
    doors.take(ASHA, talk, "accept_project", {})
    doors.press(BHARAT, talk, "send_price_offer", {"price": text})
    context = doors.call(ASHA, "get_conversation_context", conversation_id=talk)
    assert context["flow_data"]["offer_minor"] == paise
    newest = doors.call(ASHA, "get_messages", conversation_id=talk, page_size=1)[0]
    accept = next(b for b in newest["action_data"]["buttons"] if b["action"] == "accept_price")
    assert accept["data"]["price"] == paise / 100
    assert f"{paise // 100:,}"[-3:] in newest["message"]


def test_text_is_taken_only_where_it_was_asked_for(stage: Stage, cast: Cast) -> None:
    doors = Doors(stage, cast)
    talk = connect(doors)
    text = {"conversation_id": talk, "text": "5000", "input_type": "price"}
    with stage.signed_in_as(cast.asha), stage.refused("FLOW_STATE_INVALID", 409):
        stage.call("submit_text", **text)
    doors.take(ASHA, talk, "accept_connection", {})
    with stage.signed_in_as(cast.asha), stage.refused("NOT_YOUR_TURN", 409):
        stage.call("submit_text", **{**text, "input_type": "project_details"})
    with (
        stage.signed_in_as(cast.bharat),
        stage.refused("INPUT_INVALID", 422, details={"field": "input_type"}),
    ):
        stage.call("submit_text", **text)


def test_a_button_accepts_no_other_price_than_its_own(stage: Stage, cast: Cast) -> None:
    doors = Doors(stage, cast)
    talk = connect(doors)
    doors.take(ASHA, talk, "accept_connection", {})
    doors.take(BHARAT, talk, "send_project_details", {"details": DETAILS})
    doors.take(ASHA, talk, "accept_project", {})
    doors.take(BHARAT, talk, "send_price_offer", {"price": 5000})
    press = {"conversation_id": talk, "button_id": "accept_price"}
    with (
        stage.signed_in_as(cast.asha),
        stage.refused("PRICE_CHANGED", 409, details={"price": 5000}),
    ):
        stage.call("click_button", additional_data={"price": 1}, **press)
    accepted = doors.call(ASHA, "click_button", additional_data={"data": {"price": 1}}, **press)
    assert accepted["conversation"]["amount_minor"] == 500000


def test_a_key_is_for_one_call_whatever_the_door(stage: Stage, cast: Cast) -> None:
    doors = Doors(stage, cast)
    key = "00000000-0000-4000-8000-000000000001"
    bid = doors.call(ASHA, "create_bid", title="Posts", description="Three posts")["id"]
    ask = {"bid_id": bid, "proposed_amount": 5000, "client_action_id": key}
    opened = doors.call(BHARAT, "connect_bid", **ask)
    assert doors.call(BHARAT, "connect_bid", **ask) == opened
    with stage.signed_in_as(cast.bharat), stage.refused("IDEMPOTENCY_MISMATCH", 409):
        stage.call("connect_bid", **{**ask, "proposed_amount": 6000})
    talk = opened["conversation"]["conversation_id"]
    press = {"conversation_id": talk, "client_action_id": key}
    pressed = doors.call(ASHA, "click_button", button_id="accept_connection", **press)
    assert doors.call(ASHA, "click_button", button_id="accept_connection", **press) == pressed
    with stage.signed_in_as(cast.asha), stage.refused("IDEMPOTENCY_MISMATCH", 409):
        stage.call("click_button", button_id="reject_connection", **press)
    with stage.signed_in_as(cast.bharat), stage.refused("IDEMPOTENCY_MISMATCH", 409):
        stage.call("submit_text", text=DETAILS, input_type="project_details", **press)
