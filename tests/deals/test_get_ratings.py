"""Ratings are double-blind: one's own at once, the other side's when both are in or time is up."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.flow.deals import Cast, Play, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER, PARTIES
from tests.flow.stages import Stage

# The rule rating_days of the flows as shipped.
BLIND_FOR = timedelta(days=14)
INSTANT = timedelta(microseconds=1)
AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(params=["bid", "campaign"])
def play(request: pytest.FixtureRequest, stage: Stage, cast: Cast) -> Play:
    """A deal that went well."""
    return open_play(stage, cast, request.param, "real_time")


def other(role: str) -> str:
    return BRAND_OWNER if role == INFLUENCER else INFLUENCER


def ratings(play: Play, role: str) -> Any:
    """Both ratings as this party gets them."""
    with play.db.signed_in_as(play.user(role)):
        return play.db.call("get_ratings", conversation_id=play.id)


def rated(play: Play, rating: int, comment: str | None) -> dict[str, Any]:
    """A rating of this moment as it is shown."""
    return {"rating": rating, "comment": comment, "created_at": play.now()}


def shown(play: Play, role: str) -> tuple[Any, Any]:
    """What this party sees: the own rating and the other side's, with times as times."""
    answer = ratings(play, role)
    assert set(answer) == {"mine", "theirs"}
    mine, theirs = (
        one and {**one, "created_at": datetime.fromisoformat(one["created_at"])}
        for one in (answer["mine"], answer["theirs"])
    )
    return mine, theirs


def age(play: Play, role: str, time: timedelta) -> None:
    """Let this party's rating have been given so much earlier."""
    aged = play.db.query(
        "update private.ratings set created_at = created_at - %s"
        " where conversation_id = %s and rater_id = %s returning 1 as aged",
        *(time, play.id, play.user(role)),
    )
    assert aged


def test_before_anybody_rated_there_is_nothing(play: Play) -> None:
    for role in PARTIES:
        assert shown(play, role) == (None, None)


@pytest.mark.parametrize("first", PARTIES)
def test_the_own_rating_is_there_at_once_and_the_other_when_both_are(
    play: Play, first: str
) -> None:
    second = other(first)
    play.do(first, "rate_collaboration", rating=2, comment="Slow")
    one = rated(play, 2, "Slow")
    assert shown(play, first) == (one, None)
    assert shown(play, second) == (None, None)
    play.do(second, "rate_collaboration", rating=5)
    two = rated(play, 5, None)
    assert shown(play, first) == (one, two)
    assert shown(play, second) == (two, one)


@pytest.mark.parametrize("first", PARTIES)
def test_a_rating_that_stays_alone_is_shown_after_the_days_of_the_flow(
    play: Play, first: str
) -> None:
    second = other(first)
    play.do(first, "rate_collaboration", rating=4, comment="Good")
    age(play, first, BLIND_FOR - INSTANT)
    assert shown(play, second) == (None, None)
    age(play, first, INSTANT)
    mine, theirs = shown(play, second)
    assert (mine, theirs["rating"], theirs["comment"]) == (None, 4, "Good")
    # The one who rated learns nothing from that.
    assert shown(play, first)[1] is None
    # Nobody answers what they have read.
    with play.db.refused("GUARD_FAILED", 409, details={"guard": "may_rate"}):
        play.call(second, "rate_collaboration", {"rating": 1, "comment": "Bad"})


def test_how_long_it_stays_blind_is_a_rule_of_the_deals_own_flow(play: Play) -> None:
    play.do("I", "rate_collaboration", rating=4)
    age(play, INFLUENCER, timedelta(days=3))
    assert shown(play, BRAND_OWNER)[1] is None
    change = (
        "update private.flow_definitions set rules = rules || %s::jsonb"
        " where id = (select flow_id from private.conversations where id = %s) returning id"
    )
    assert play.db.query(change, json.dumps({"rating_days": 3}), play.id)
    assert shown(play, BRAND_OWNER)[1] is not None


def test_nobody_rates_twice(play: Play) -> None:
    play.do("I", "rate_collaboration", rating=2, comment="Slow")
    with play.db.refused("GUARD_FAILED", 409, details={"guard": "is_unrated"}):
        play.call(INFLUENCER, "rate_collaboration", {"rating": 5})
    assert shown(play, INFLUENCER)[0] == rated(play, 2, "Slow")
    offered = [action["action"] for action in play.available(INFLUENCER)]
    assert "rate_collaboration" not in offered
    # The other side still may, once.
    play.do("B", "rate_collaboration", rating=5)
    with play.db.refused("GUARD_FAILED", 409, details={"guard": "is_unrated"}):
        play.call(BRAND_OWNER, "rate_collaboration", {"rating": 1})


def test_the_same_press_again_is_no_second_rating(play: Play) -> None:
    key = uuid.uuid4()
    first, again = (
        play.call(INFLUENCER, "rate_collaboration", {"rating": 3}, client_action_id=key)
        for _ in range(2)
    )
    assert again == first
    assert play.db.value("select count(*) from private.ratings") == 1


def test_they_can_be_read_after_the_end(play: Play) -> None:
    play.walk("I:rate_collaboration B:rate_collaboration B:close_conversation")
    for role in PARTIES:
        assert None not in shown(play, role)


def test_a_stranger_gets_the_answer_of_a_wrong_id(play: Play) -> None:
    play.walk("I:rate_collaboration B:rate_collaboration")
    # An operator is no party either.
    for user in (play.cast.chitra, play.cast.omkar):
        for conversation in (play.id, uuid.uuid4()):
            with play.db.signed_in_as(user), play.db.refused("CONVERSATION_NOT_FOUND", 404):
                play.db.call("get_ratings", conversation_id=conversation)
    with play.db.as_anon(), play.db.refused("42501"):
        play.db.call("get_ratings", conversation_id=play.id)


def test_ratings_of_one_deal_say_nothing_about_another(stage: Stage, cast: Cast) -> None:
    one, two = (open_play(stage, cast, "bid", "real_time") for _ in range(2))
    one.do("I", "rate_collaboration", rating=2)
    two.do("B", "rate_collaboration", rating=4)
    assert shown(one, BRAND_OWNER) == shown(two, INFLUENCER) == (None, None)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "rating"),
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": 5, "comment": "x" * 1001}, "comment"),
    ],
)
def test_a_bad_rating_is_refused_and_not_kept(
    stage: Stage, cast: Cast, given: dict[str, Any], field: str
) -> None:
    play = open_play(stage, cast, "bid", "real_time")
    with stage.refused("INPUT_INVALID", 422, details={"field": field}):
        play.call(INFLUENCER, "rate_collaboration", given)
    assert shown(play, INFLUENCER) == (None, None)


# Everything that the other side, or a reader of the broadcasts, could look at. Salted hashes differ
# from one step to the next whatever is in them.
TELLTALES = {
    "public.conversation_events": (
        "to_jsonb(t) - 'commitment' - 'hash'", "t.version", "t.conversation_id",
    ),
    "public.messages": ("to_jsonb(t)", "t.seq", "t.conversation_id"),
    "private.conversations": ("to_jsonb(t)", "t.id", "t.id"),
    "private.participants": ("to_jsonb(t)", "t.user_id", "t.conversation_id"),
    "private.notifications": ("to_jsonb(t) - 'id'", "t.id", "t.conversation_id"),
}  # fmt: skip


def telltales(play: Play) -> str:
    """All that stands in those tables about the deal, and every broadcast, with ids left out."""
    found = {
        table: play.db.query(
            f"select {row} as row from {table} as t where {where} = %s order by {order}",  # noqa: S608
            play.id,
        )
        for table, (row, order, where) in TELLTALES.items()
    }
    found["realtime.messages"] = play.db.query(
        "select event, payload from realtime.messages order by inserted_at, topic, payload"
    )
    assert found["public.conversation_events"]
    assert found["public.messages"]
    assert found["realtime.messages"]
    texts = {
        name: sorted(AN_ID.sub("id", json.dumps(row, default=str)) for row in rows)
        for name, rows in found.items()
    }
    return json.dumps(texts, indent=1)


def test_nothing_that_anybody_else_reads_depends_on_the_rating(stage: Stage, cast: Cast) -> None:
    play = open_play(stage, cast, "bid", "real_time")
    told = set()
    for given in (
        {"rating": 1, "comment": "Never again"},
        {"rating": 5, "comment": "A pleasure"},
        {"rating": 3},
    ):
        with stage.rolled_back():
            play.call(INFLUENCER, "rate_collaboration", given)
            with stage.signed_in_as(cast.bharat):
                history = stage.call("get_conversation_history", conversation_id=play.id)
            assert "Never again" not in json.dumps(history)
            assert "A pleasure" not in json.dumps(history)
            told.add(telltales(play))
    assert len(told) == 1
