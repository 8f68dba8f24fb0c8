"""Deals begin: connect_bid, apply_to_campaign, invite_to_campaign, and all that they refuse."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.chat.scenes import everything
from tests.deals.doors import (
    APPLY,
    CONNECT,
    DOORS,
    INVITE,
    Door,
    Try,
    deals,
    id_of,
    join_brand_owner,
)
from tests.flow.checks import done
from tests.flow.deals import Cast
from tests.flow.rows import INFLUENCER
from tests.flow.stages import Stage
from tests.support.crowds import OK, play_at_once
from tests.support.databases import PATIENCE, Database

CROWD = 6
CRORE = 10_000_000
every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: str(door.function))


# What is opened


@every_door
def test_a_deal_begins_where_its_flow_begins(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    answer = knock.open()
    conversation = answer["conversation"]
    assert (answer["success"], answer["created"]) == (True, True)
    assert (conversation["kind"], conversation["my_role"]) == (door.kind, door.opener)
    assert conversation[f"{door.kind}_id"] == knock.subject
    assert (conversation["flow_state"], conversation["awaiting_role"]) == (
        door.first_state, door.awaiting,
    )  # fmt: skip
    assert answer["flow_update"] == {
        "previous_state": "initial",
        "new_state": door.first_state,
        "awaiting_role": door.awaiting,
        "reason": answer["flow_update"]["reason"],
        "path": [door.first_state],
    }
    assert [message["message_type"] for message in answer["messages"]] == ["audit"]
    (event,) = stage.query("select * from public.conversation_events")
    assert (event["version"], event["actor_role"], event["action"], event["from_state"]) == (
        1, door.opener, door.function, "initial",
    )  # fmt: skip
    row = stage.query("select * from private.conversations")[0]
    assert {row["user_a"], row["user_b"]} == {cast.asha, cast.bharat}
    assert (row["influencer_id"], row["brand_owner_id"]) == (cast.asha, cast.bharat)


@every_door
def test_a_deal_stays_on_the_version_of_the_flow_that_it_began_with(
    stage: Stage, cast: Cast, door: Door
) -> None:
    first = id_of(Try(stage, cast, door).open())
    versions = "select flow_id from private.conversations where id = %s"
    published = "select id from private.flow_definitions where kind = %s and status = 'published'"
    assert stage.value(versions, first) == stage.value(published, door.kind)
    spec = stage.value(
        "select private.flow_spec(id) from private.flow_definitions"
        " where kind = %s and status = 'published'",
        door.kind,
    )
    spec["rules"]["delivery_days"] = 21
    with stage.signed_in_as(cast.omkar):
        stage.call("publish_flow", spec=spec)
    second = id_of(Try(stage, cast, door).open())
    assert stage.value(versions, second) == stage.value(published, door.kind)
    assert stage.value(versions, first) != stage.value(versions, second)


@every_door
def test_while_a_deal_is_open_it_is_the_answer(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    first = knock.open()
    before = everything(stage)
    again = knock.open()
    assert everything(stage) == before
    assert (again["success"], again["created"]) == (True, False)
    assert id_of(again) == id_of(first)
    assert again["messages"] == []
    assert again["flow_update"]["path"] == []
    assert again["flow_update"]["new_state"] == door.first_state
    # Also when the bid or campaign takes no new ones.
    knock.close_subject()
    assert id_of(knock.open()) == id_of(first)


@every_door
def test_after_a_deal_has_ended_the_next_one_is_new(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    first = id_of(knock.open())
    knock.end(first)
    again = knock.open()
    assert again["created"] is True
    assert id_of(again) != first


@every_door
def test_a_deal_whose_time_is_up_is_over_though_nobody_has_looked(
    stage: Stage, cast: Cast, door: Door
) -> None:
    knock = Try(stage, cast, door)
    first = id_of(knock.open())
    stage.query("update private.conversations set deadline_at = now() where id = %s", first)
    again = knock.open()
    assert again["created"] is True
    assert stage.value("select flow_state from private.conversations where id = %s", first) == (
        "chat_closed"
    )


def test_an_invitation_and_an_application_are_one_deal(stage: Stage, cast: Cast) -> None:
    invite = Try(stage, cast, INVITE)
    apply = Try(stage, cast, APPLY, invite.subject)
    invited = invite.open()
    applied = apply.open(quote=4000)
    assert (applied["created"], id_of(applied)) == (False, id_of(invited))
    assert applied["conversation"]["my_role"] == INFLUENCER
    assert stage.query("select * from public.requests") == []
    apply.end(id_of(invited))
    applied = apply.open(quote=4000)
    assert applied["created"] is True
    assert id_of(invite.open()) == id_of(applied)


def test_two_bids_and_two_brand_owners_are_two_deals(stage: Stage, cast: Cast) -> None:
    one, two = (Try(stage, cast, CONNECT) for _ in range(2))
    with stage.signed_in_as(join_brand_owner(stage)):
        third = stage.call("connect_bid", bid_id=one.subject)
    assert len({id_of(one.open()), id_of(two.open()), id_of(third)}) == 3


@every_door
def test_of_many_at_once_one_deal_is_made(db: Database, people: Cast, door: Door) -> None:
    knock = Try(db, people, door)
    answers: list[Any] = []

    def press(session: Database, number: int) -> Any:
        answers.append(knock.open_in(session))

    assert play_at_once(db, CROWD, CROWD, press) == {OK: CROWD}
    assert len({id_of(answer) for answer in answers}) == 1
    assert sorted(answer["created"] for answer in answers) == [False] * (CROWD - 1) + [True]
    assert deals(db) == 1
    assert db.value("select count(*) from public.requests") == (1 if door is APPLY else 0)


@every_door
@pytest.mark.parametrize("comes_first", ["the deal", "the end"])
def test_after_it_has_closed_no_deal_begins_that_was_on_its_way(
    db: Database, people: Cast, door: Door, comes_first: str
) -> None:
    knock = Try(db, people, door)
    other = db.session()
    owner = knock.user(door.subject_owner)
    opening = (knock.user(door.opener), door.function, knock.arguments())
    closing = (owner, f"close_{door.kind}", {f"{door.kind}_id": knock.subject})
    first, second = (opening, closing) if comes_first == "the deal" else (closing, opening)
    with db.transaction(), db.signed_in_as(first[0]), other.signed_in_as(second[0]):
        db.call(first[1], **first[2])
        waiting = other.start(second[1], **second[2])
        db.wait_until_blocked(other)
    if comes_first == "the deal":
        assert waiting.result(PATIENCE)["status"] == "closed"
    else:
        with db.refused(door.closed, 409):
            waiting.result(PATIENCE)
    assert deals(db) == (1 if comes_first == "the deal" else 0)


# Repeats


def check_repeat(answer: Any, first: Any) -> None:
    """A repeat says again what was done, and shows the deal as it is by now."""
    assert done(answer) == done(first)
    assert id_of(answer) == id_of(first)
    assert answer["conversation"]["flow_state"] == "chat_closed"
    assert answer["actions"] == []


@every_door
def test_a_repeat_answers_what_was_done_with_the_deal_as_it_is_now(
    stage: Stage, cast: Cast, door: Door
) -> None:
    knock = Try(stage, cast, door)
    key = uuid.uuid4()
    first = knock.open(client_action_id=key)
    assert first["created"] is True
    knock.end(id_of(first))
    knock.close_subject()
    check_repeat(knock.open(client_action_id=key), first)
    assert deals(stage) == 1


@every_door
def test_a_repeat_of_finding_the_open_deal_makes_none_when_that_has_ended(
    stage: Stage, cast: Cast, door: Door
) -> None:
    knock = Try(stage, cast, door)
    first = id_of(knock.open())
    key = uuid.uuid4()
    found = knock.open(client_action_id=key)
    assert found["created"] is False
    knock.end(first)
    check_repeat(knock.open(client_action_id=key), found)
    assert deals(stage) == 1


@every_door
def test_a_key_is_for_one_call(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    key = uuid.uuid4()
    knock.open(client_action_id=key)
    other = Try(stage, cast, door)
    with stage.refused("IDEMPOTENCY_MISMATCH", 409):
        other.open(client_action_id=key)
    if door.amount is not None:
        with stage.refused("IDEMPOTENCY_MISMATCH", 409):
            knock.open(client_action_id=key, **{door.amount: 7})
    assert deals(stage) == 1


@every_door
def test_a_refused_call_leaves_its_key_free(stage: Stage, cast: Cast, door: Door) -> None:
    closed, open_one = (Try(stage, cast, door) for _ in range(2))
    closed.close_subject()
    key = uuid.uuid4()
    with stage.refused(door.closed, 409):
        closed.open(client_action_id=key)
    assert open_one.open(client_action_id=key)["created"] is True


# Refusals


@every_door
def test_a_closed_one_takes_no_new_deals(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    knock.close_subject()
    before = everything(stage)
    with stage.refused(door.closed, 409):
        knock.open()
    assert everything(stage) == before


@every_door
def test_there_must_be_one(stage: Stage, cast: Cast, door: Door) -> None:
    with stage.refused(door.not_found, 404):
        Try(stage, cast, door, str(uuid.uuid4())).open()


@every_door
def test_only_the_right_role_opens_it(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    wrong = cast.bharat if door.opener == INFLUENCER else cast.asha
    with stage.signed_in_as(wrong), stage.refused("FORBIDDEN", 403):
        stage.call(door.function, **knock.arguments())
    # Omkar has no role: being an operator is none.
    with stage.signed_in_as(cast.omkar), stage.refused("PROFILE_INCOMPLETE", 409):
        stage.call(door.function, **knock.arguments())
    with stage.as_anon(), stage.refused("42501"):
        stage.call(door.function, **knock.arguments())
    with stage.as_service(), stage.refused("42501"):
        stage.call(door.function, **knock.arguments())
    with stage.signed_in_as(uuid.uuid4()), stage.refused("AUTH_REQUIRED", 401):
        stage.call(door.function, **knock.arguments())
    assert deals(stage) == 0


def test_a_named_influencer_must_be_the_bids(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, CONNECT)
    for other in (cast.chitra, cast.bharat, uuid.uuid4()):
        with stage.refused("BID_OWNER_MISMATCH", 409):
            knock.open(influencer_id=other)
    assert deals(stage) == 0
    first = knock.open(influencer_id=cast.asha)
    assert first["created"] is True
    # It is the bid's owner that counts, not that a deal is there.
    with stage.refused("BID_OWNER_MISMATCH", 409):
        knock.open(influencer_id=cast.chitra)


def test_only_the_own_campaign_is_for_inviting(stage: Stage, cast: Cast) -> None:
    with stage.signed_in_as(join_brand_owner(stage)):
        theirs = stage.call("create_campaign", title="Winter", brief="Two posts")["id"]
    with stage.refused("CAMPAIGN_NOT_FOUND", 404):
        Try(stage, cast, INVITE, theirs).open()
    # Whether there is such an influencer is not told for it.
    with stage.refused("CAMPAIGN_NOT_FOUND", 404):
        Try(stage, cast, INVITE, theirs).open(influencer_id=uuid.uuid4())


def test_only_influencers_are_invited(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, INVITE)
    with stage.refused("USER_NOT_FOUND", 404):
        knock.open(influencer_id=uuid.uuid4())
    with stage.refused("USER_NOT_FOUND", 404):
        knock.open(influencer_id=None)
    wrong = {"field": "influencer_id", "rule": "influencer"}
    for other in (cast.bharat, cast.omkar):
        with stage.refused("INPUT_INVALID", 422, details=wrong):
            knock.open(influencer_id=other)
    assert deals(stage) == 0


@pytest.mark.parametrize("door", [CONNECT, APPLY], ids=lambda door: str(door.function))
def test_amounts_are_checked(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    assert door.amount is not None
    for amount in (0, -1, 0.99, CRORE + 1, CRORE + 0.01):
        with stage.refused("PRICE_OUT_OF_RANGE", 422, details={"min": 1, "max": CRORE}):
            knock.open(**{door.amount: amount})
    with stage.refused("INPUT_INVALID", 422, details={"field": door.amount, "rule": "decimals"}):
        knock.open(**{door.amount: 10.001})
    for text in ("5000-6000", "about 5000", "NaN"):
        with stage.refused("PRICE_UNPARSEABLE", 422):
            knock.open(**{door.amount: text})
    with stage.refused("PRICE_OUT_OF_RANGE", 422, details={"understood": 5 * CRORE}):
        knock.open(**{door.amount: "5 crore"})
    assert deals(stage) == 0
    for amount in (1, CRORE, 4999.99):
        answer = knock.open(**{door.amount: amount})
        assert answer["created"] is True
        assert answer["conversation"]["flow_data"][door.amount] == amount
        assert answer["conversation"]["price"] is None, "only agreed prices stand there"
        knock.end(id_of(answer))


def test_a_pitch_has_its_length(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, APPLY)
    with stage.refused("INPUT_INVALID", 422, details={"field": "pitch", "rule": "max_length"}):
        knock.open(pitch="x" * 5001)
    answer = knock.open(pitch="ß" * 5000)
    assert answer["conversation"]["flow_data"]["pitch"] == "ß" * 5000
    knock.end(id_of(answer))
    # A blank one is none.
    answer = knock.open(pitch=" \n ")
    assert "pitch" not in answer["conversation"]["flow_data"]
    assert stage.value("select pitch from public.requests where status = 'pending'") is None


# Who is told


@every_door
def test_the_other_side_and_nobody_else_is_asked(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    # A party hears of an own step on another device alone: see tests/chat/test_broadcast.py.
    stage.query("delete from auth.sessions")
    stage.query("delete from realtime.messages")
    knock.open()
    told = knock.user(door.awaiting)
    topics = {
        row["topic"]
        for row in stage.query(
            "select topic from realtime.messages where payload ->> 'notification' is not null"
        )
    }
    assert topics == {f"user:{told}"}
    subject = f"{door.kind}:{knock.subject}"
    changed = stage.query("select topic from realtime.messages where topic = %s", subject)
    assert len(changed) == 1
    heard = {row["topic"] for row in stage.query("select topic from realtime.messages")}
    assert heard == {f"user:{told}", subject}
