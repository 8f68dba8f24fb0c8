"""A screen says in one call what the functions it is made of say one by one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from tests.flow.deals import Cast, Play, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.flow.stages import Stage
from tests.support.databases import Database

SCREENS = {
    "get_inbox_screen": (),
    "get_chat_screen": ("conversation_id",),
    "get_deal_screen": ("conversation_id",),
    "get_quota_screen": (),
    "get_market_screen": (),
}


def scene(stage: Stage, cast: Cast) -> Play:
    """A bid whose work was submitted."""
    return open_play(stage, cast, "bid", "work_submitted")


def arguments(screen: str, conversation: str) -> dict[str, Any]:
    return dict.fromkeys(SCREENS[screen], conversation)


@pytest.mark.parametrize("role", [INFLUENCER, BRAND_OWNER])
def test_a_screen_is_what_its_parts_say(stage: Stage, cast: Cast, role: str) -> None:
    play = scene(stage, cast)
    talk = {"conversation_id": play.id}
    with stage.signed_in_as(play.user(role)):
        inbox = stage.call("get_inbox_screen")
        page = stage.call("get_conversations", page_size=20)
        assert (inbox["conversations"], inbox["next_cursor"]) == (page["conversations"], None)
        assert inbox["unread"] == stage.call("get_unread_count")
        assert inbox["quota"] == stage.call("get_quota")
        assert inbox["profile"] == stage.call("get_profile")

        chat = stage.call("get_chat_screen", **talk)
        assert chat["conversation"] == stage.call("get_conversation_context", **talk)
        assert chat["messages"] == stage.call("get_messages", **talk)
        assert chat["actions"] == stage.call("get_available_actions", **talk)
        assert chat["quota"] == stage.call("get_quota")

        deal = stage.call("get_deal_screen", **talk)
        assert deal["conversation"] == chat["conversation"]
        assert deal["actions"] == chat["actions"]
        assert deal["history"] == stage.call("get_conversation_history", **talk)
        assert deal["proof"] == stage.call("verify_conversation", **talk)
        assert deal["ratings"] == stage.call("get_ratings", **talk)

        quota = stage.call("get_quota_screen")
        assert quota["quota"] == stage.call("get_quota")
        assert quota["history"] == stage.call("get_points_history")


def test_a_deals_screen_has_its_states_its_money_and_what_was_given(
    stage: Stage, cast: Cast
) -> None:
    play = scene(stage, cast)
    with stage.signed_in_as(cast.bharat):
        deal = stage.call("get_deal_screen", conversation_id=play.id)
        rows = {
            table: stage.select(
                f"select to_jsonb(t) as row from public.{table} as t where t.conversation_id = %s",  # noqa: S608
                play.id,
            )
            for table in ("offers", "work_submissions")
        }
    assert deal["offers"] == [row["row"] for row in rows["offers"]]
    assert deal["submissions"] == [row["row"] for row in rows["work_submissions"]]
    assert len(deal["offers"]) == len(deal["submissions"]) == 1
    places = {state["state"]: state["place"] for state in deal["states"]}
    assert [state for state, place in places.items() if place == "now"] == ["work_submitted"]
    assert places["payment_pending"] == "done"
    assert places["negotiation_input"] == "skipped"
    assert places["real_time"] == "ahead"
    assert "initial" not in places
    entered = [s["entered_at"] for s in deal["states"]]
    assert [at is not None for at in entered] == [p in ("done", "now") for p in places.values()]
    assert deal["waiting_for"] == {
        "who": BRAND_OWNER, "is_me": True, "until": deal["conversation"]["deadline_at"],
    }  # fmt: skip
    assert deal["money"] == {
        "currency": "INR", "agreed_minor": 500_000, "due_minor": 0, "captured_minor": 500_000,
        "held_minor": 500_000, "released_minor": 0, "fee_minor": 0, "refunded_minor": 0,
        "charged_back_minor": 0,
    }  # fmt: skip


def test_what_can_be_paid_is_due(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "payment_pending")
    with stage.signed_in_as(cast.asha):
        assert stage.call("get_deal_screen", conversation_id=play.id)["money"]["due_minor"] == (
            500_000
        )


def test_a_deadline_that_passed_counts_on_the_screen_before_it_is_written(
    stage: Stage, cast: Cast
) -> None:
    play = scene(stage, cast)
    play.let_pass(timedelta(days=30))
    with stage.signed_in_as(cast.bharat):
        deal = stage.call("get_deal_screen", conversation_id=play.id)
    now = [state["state"] for state in deal["states"] if state["place"] == "now"]
    assert now == [deal["conversation"]["flow_state"]] != ["work_submitted"]


@pytest.mark.parametrize("screen", SCREENS)
def test_who_has_a_screen_gets_only_its_version(stage: Stage, cast: Cast, screen: str) -> None:
    play = scene(stage, cast)
    given = arguments(screen, play.id)
    with stage.signed_in_as(cast.asha):
        shown = stage.call(screen, **given)
        again = stage.call(screen, known_version=shown["version"], **given)
        assert again == {"not_modified": True, "version": shown["version"]}
        assert stage.call(screen, known_version="another", **given) == shown


def test_the_version_is_the_same_a_moment_later(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending")
    with db.signed_in_as(people.asha):
        for screen in SCREENS:
            given = arguments(screen, play.id)
            shown = db.call(screen, **given)
            assert db.call(screen, known_version=shown["version"], **given)["not_modified"]


def test_the_version_moves_with_what_is_shown(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "real_time")
    talk = {"conversation_id": play.id}

    def versions() -> dict[str, str]:
        with stage.signed_in_as(cast.bharat):
            return {
                name: stage.call(name, **arguments(name, play.id))["version"] for name in SCREENS
            }

    before = versions()
    with stage.signed_in_as(cast.asha):
        stage.call("send_message", **talk, message="Thank you")
    after = versions()
    moved = {name for name in SCREENS if after[name] != before[name]}
    assert moved == {"get_inbox_screen", "get_chat_screen", "get_deal_screen"}
    with stage.signed_in_as(cast.chitra):
        stage.call("create_bid", title="Reels", description="Five reels")
    assert versions()["get_market_screen"] != after["get_market_screen"]


def test_the_market_has_what_is_open_and_what_is_ones_own(stage: Stage, cast: Cast) -> None:
    with stage.signed_in_as(cast.chitra):
        bid = stage.call("create_bid", title="Reels", description="Five reels")
        shut = stage.call("create_bid", title="Old reels", description="Gone")
        stage.call("close_bid", bid_id=shut["id"])
    campaigned = open_play(stage, cast, "campaign", "brand_owner_reviewing")
    with stage.signed_in_as(cast.bharat):
        stage.call("connect_bid", bid_id=bid["id"])
        market = stage.call("get_market_screen")
        assert market["profile"]["role"] == BRAND_OWNER
        (open_bid,) = market["bids"]
        assert open_bid["owner"]["id"] == str(cast.chitra)
        assert open_bid["conversation_id"] is not None
        assert [c["title"] for c in market["mine"]["campaigns"]] == ["Autumn"]
        assert [r["influencer_id"] for r in market["requests"]] == [str(cast.asha)]
    with stage.signed_in_as(cast.chitra):
        market = stage.call("get_market_screen")
        assert sorted(b["title"] for b in market["mine"]["bids"]) == ["Old reels", "Reels"]
        (campaign,) = market["campaigns"]
        assert campaign["conversation_id"] is None
        assert market["requests"] == []
    with stage.signed_in_as(cast.asha):
        (campaign,) = stage.call("get_market_screen")["campaigns"]
        assert campaign["conversation_id"] == campaigned.id
        campaigned.let_pass_until(campaigned.model.deadline)
        (campaign,) = stage.call("get_market_screen")["campaigns"]
        assert campaign["conversation_id"] is None, "time is up, and nobody has written it"


@pytest.mark.parametrize("screen", [name for name, given in SCREENS.items() if given])
def test_a_stranger_and_a_wrong_id_get_the_same(stage: Stage, cast: Cast, screen: str) -> None:
    play = scene(stage, cast)
    for conversation in (play.id, str(uuid.uuid4())):
        with stage.signed_in_as(cast.chitra), stage.refused("CONVERSATION_NOT_FOUND", 404):
            stage.call(screen, conversation_id=conversation)


def test_a_direct_chat_is_no_deal(stage: Stage, cast: Cast) -> None:
    with stage.signed_in_as(cast.asha):
        opened = stage.call("direct_connect", target_user_id=cast.bharat)
        talk = opened["conversation"]["conversation_id"]
        assert stage.call("get_chat_screen", conversation_id=talk)["actions"] is not None
        with stage.refused("CONVERSATION_NOT_FOUND", 404):
            stage.call("get_deal_screen", conversation_id=talk)


@pytest.mark.parametrize("screen", SCREENS)
def test_without_a_user_there_is_no_screen(stage: Stage, cast: Cast, screen: str) -> None:
    play = scene(stage, cast)
    with stage.signed_in_as(uuid.uuid4()), stage.refused("AUTH_REQUIRED", 401):
        stage.call(screen, **arguments(screen, play.id))
