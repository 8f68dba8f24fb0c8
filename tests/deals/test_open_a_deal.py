"""Deals begin: connect_bid, apply_to_campaign, invite_to_campaign, and all that they refuse."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chat.scenes import everything
from tests.flow.deals import Cast
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.flow.stages import Stage
from tests.support.crowds import OK, play_at_once
from tests.support.databases import Database

CROWD = 6
CRORE = 10_000_000


@dataclass(frozen=True)
class Door:
    """One of the three functions that open a deal, and who may use it."""

    function: str
    kind: str
    opener: str
    # The name of the argument that carries an amount, if there is one.
    amount: str | None
    first_state: str
    awaiting: str

    @property
    def subject_owner(self) -> str:
        """Who makes the bid or campaign."""
        return INFLUENCER if self.kind == "bid" else BRAND_OWNER

    @property
    def closed(self) -> str:
        return f"{self.kind.upper()}_CLOSED"

    @property
    def not_found(self) -> str:
        return f"{self.kind.upper()}_NOT_FOUND"


CONNECT = Door(
    "connect_bid", "bid", BRAND_OWNER, "proposed_amount", "influencer_responding", INFLUENCER
)
APPLY = Door(
    "apply_to_campaign", "campaign", INFLUENCER, "quote", "brand_owner_reviewing", BRAND_OWNER
)
INVITE = Door(
    "invite_to_campaign", "campaign", BRAND_OWNER, None, "influencer_responding", INFLUENCER
)
DOORS = (CONNECT, APPLY, INVITE)
every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: str(door.function))


@dataclass
class Try:
    """A door, what it is about, and who knocks; the arguments that are good unless changed."""

    db: Database
    cast: Cast
    door: Door
    subject: str = field(default="")

    def __post_init__(self) -> None:
        self.subject = self.subject or make_subject(self.db, self.cast, self.door.kind)["id"]

    def user(self, role: str) -> uuid.UUID:
        return self.cast.asha if role == INFLUENCER else self.cast.bharat

    def arguments(self, **changed: Any) -> dict[str, Any]:
        good: dict[str, Any] = {f"{self.door.kind}_id": self.subject}
        if self.door is INVITE:
            good["influencer_id"] = self.cast.asha
        return good | changed

    def open(self, session: Database | None = None, **changed: Any) -> Any:
        db = session or self.db
        with db.signed_in_as(self.user(self.door.opener)):
            return db.call(self.door.function, **self.arguments(**changed))

    def act(self, deal: str, role: str, action: str, **given: Any) -> Any:
        """Take an action in a deal."""
        with self.db.signed_in_as(self.user(role)):
            return self.db.call("take_action", conversation_id=deal, action=action, input=given)

    def end(self, deal: str) -> None:
        self.act(deal, self.door.opener, "end_conversation")

    def close_subject(self) -> None:
        with self.db.signed_in_as(self.user(self.door.subject_owner)):
            self.db.call(
                f"close_{self.door.kind}", **{f"{self.door.kind}_id": self.subject}
            )


def make_subject(db: Database, cast: Cast, kind: str, **more: Any) -> Any:
    """Asha's bid, or Bharat's campaign."""
    if kind == "bid":
        with db.signed_in_as(cast.asha):
            return db.call("create_bid", title="Three posts", description="On two feeds", **more)
    with db.signed_in_as(cast.bharat):
        return db.call("create_campaign", title="Autumn", brief="Three posts", **more)


def join_brand_owner(stage: Stage) -> uuid.UUID:
    """Another brand owner; the login stays when the stage is cleared, so its name is its own."""
    user = stage.create_user(f"Dev {uuid.uuid4()}")
    with stage.signed_in_as(user):
        stage.call("complete_profile", role=BRAND_OWNER, display_name="Dev")
    return user


def id_of(answer: Any) -> str:
    return str(answer["conversation"]["conversation_id"])


def deals(db: Database) -> int:
    count: int = db.value("select count(*) from public.conversations")
    return count


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
    row = stage.query("select * from public.conversations")[0]
    assert {row["user_a"], row["user_b"]} == {cast.asha, cast.bharat}
    assert (row["influencer_id"], row["brand_owner_id"]) == (cast.asha, cast.bharat)


@every_door
def test_a_deal_stays_on_the_version_of_the_flow_that_it_began_with(
    stage: Stage, cast: Cast, door: Door
) -> None:
    first = id_of(Try(stage, cast, door).open())
    versions = "select flow_id from public.conversations where id = %s"
    published = (
        "select id from private.flow_definitions where kind = %s and status = 'published'"
    )
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
    stage.query("update public.conversations set deadline_at = now() where id = %s", first)
    again = knock.open()
    assert again["created"] is True
    assert stage.value("select flow_state from public.conversations where id = %s", first) == (
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
        answers.append(knock.open(session))

    assert play_at_once(db, CROWD, CROWD, press) == {OK: CROWD}
    assert len({id_of(answer) for answer in answers}) == 1
    assert sorted(answer["created"] for answer in answers) == [False] * (CROWD - 1) + [True]
    assert deals(db) == 1
    assert db.value("select count(*) from public.requests") == (1 if door is APPLY else 0)


# Repeats


@every_door
def test_a_repeat_answers_what_was_answered(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    key = uuid.uuid4()
    first = knock.open(client_action_id=key)
    assert first["created"] is True
    knock.end(id_of(first))
    knock.close_subject()
    assert knock.open(client_action_id=key) == first
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
    assert knock.open(client_action_id=key) == found
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
    with stage.refused(
        "INPUT_INVALID", 422, details={"field": door.amount, "rule": "decimals"}
    ):
        knock.open(**{door.amount: 10.001})
    assert deals(stage) == 0
    for amount in (1, CRORE, 4999.99):
        answer = knock.open(**{door.amount: amount})
        assert answer["created"] is True
        assert answer["conversation"]["flow_data"][door.amount] == amount
        assert answer["conversation"]["price"] is None, "only agreed prices stand there"
        knock.end(id_of(answer))


def test_a_pitch_has_its_length(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, APPLY)
    with stage.refused(
        "INPUT_INVALID", 422, details={"field": "pitch", "rule": "max_length"}
    ):
        knock.open(pitch="x" * 5001)
    answer = knock.open(pitch="ß" * 5000)
    assert answer["conversation"]["flow_data"]["pitch"] == "ß" * 5000
    knock.end(id_of(answer))
    # A blank one is none.
    answer = knock.open(pitch=" \n ")
    assert "pitch" not in answer["conversation"]["flow_data"]
    assert stage.value("select pitch from public.requests where status = 'pending'") is None


# Applications


def status_of(stage: Stage) -> list[str]:
    """The applications' states, the oldest first: a closed one before one that is alive."""
    rows = stage.query(
        "select status from public.requests"
        " order by status in ('pending', 'accepted'), created_at, status"
    )
    return [row["status"] for row in rows]


def test_an_application_keeps_quote_and_pitch_and_follows_its_deal(
    stage: Stage, cast: Cast
) -> None:
    knock = Try(stage, cast, APPLY)
    deal = id_of(knock.open(quote=4500.5, pitch="I know tea"))
    (request,) = stage.query("select * from public.requests")
    assert (request["quote_minor"], request["pitch"], request["status"]) == (
        450050, "I know tea", "pending",
    )  # fmt: skip
    assert (str(request["campaign_id"]), request["influencer_id"]) == (knock.subject, cast.asha)
    knock.act(deal, BRAND_OWNER, "accept_application")
    assert status_of(stage) == ["accepted"]
    knock.act(deal, INFLUENCER, "end_conversation")
    assert status_of(stage) == ["closed"]


def test_who_was_rejected_may_apply_again(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, APPLY)
    knock.act(id_of(knock.open(quote=9000)), BRAND_OWNER, "reject_application")
    assert status_of(stage) == ["rejected"]
    again = knock.open(quote=5000)
    assert again["created"] is True
    assert status_of(stage) == ["rejected", "pending"]
    knock.act(id_of(again), BRAND_OWNER, "accept_application_at_quote")
    assert status_of(stage) == ["rejected", "accepted"]


def test_who_was_accepted_and_has_finished_may_apply_again(stage: Stage, cast: Cast) -> None:
    knock = Try(stage, cast, APPLY)
    deal = id_of(knock.open(quote=5000))
    knock.act(deal, BRAND_OWNER, "accept_application_at_quote")
    knock.act(deal, BRAND_OWNER, "proceed_to_payment")
    fact = {"payment_id": "pay_1", "amount_minor": 500000, "currency": "INR"}
    with stage.as_service():
        stage.call(
            "record_provider_fact", conversation_id=deal, action="payment_captured", input=fact
        )
    knock.act(deal, INFLUENCER, "start_work")
    knock.act(deal, INFLUENCER, "submit_work", deliverables="x")
    knock.act(deal, BRAND_OWNER, "approve_work")
    assert knock.open()["created"] is False
    assert status_of(stage) == ["accepted"]
    knock.act(deal, BRAND_OWNER, "close_conversation")
    assert status_of(stage) == ["closed"]
    assert knock.open()["created"] is True
    assert status_of(stage) == ["closed", "pending"]


def test_an_application_that_nobody_answers_ends_with_its_deal(stage: Stage, cast: Cast) -> None:
    deal = id_of(Try(stage, cast, APPLY).open())
    stage.query("update public.conversations set deadline_at = now() where id = %s", deal)
    with stage.as_service():
        stage.call("sweep_due")
    assert status_of(stage) == ["closed"]


# What stands in the form for the price


def prefilled(stage: Stage, cast: Cast, deal: str) -> Any:
    with stage.signed_in_as(cast.bharat):
        context = stage.call("get_conversation_context", conversation_id=deal)
    assert context["flow_state"] == "brand_owner_pricing"
    field = context["current_action_data"]["input_field"]
    assert field["id"] == "price"
    return field.get("value")


@pytest.mark.parametrize(
    ("budget", "quote", "value"),
    [
        (None, None, None),
        (8000, None, "8000"),
        (None, 4500, "4500"),
        (8000, 4500, "4500"),
        (8000.25, None, "8000.25"),
    ],
)
def test_the_quote_stands_in_the_price_form_or_else_the_budget(
    stage: Stage, cast: Cast, budget: Any, quote: Any, value: str | None
) -> None:
    campaign = make_subject(stage, cast, "campaign", budget=budget)["id"]
    knock = Try(stage, cast, APPLY, campaign)
    deal = id_of(knock.open(quote=quote))
    knock.act(deal, BRAND_OWNER, "accept_application")
    assert prefilled(stage, cast, deal) == value


def test_an_invitation_prefills_the_budget(stage: Stage, cast: Cast) -> None:
    campaign = make_subject(stage, cast, "campaign", budget=8000)["id"]
    knock = Try(stage, cast, INVITE, campaign)
    deal = id_of(knock.open())
    knock.act(deal, INFLUENCER, "accept_connection")
    assert prefilled(stage, cast, deal) == "8000"


@pytest.mark.parametrize(("proposed", "value"), [(None, None), (4999.5, "4999.5")])
def test_the_proposed_amount_stands_in_the_price_form(
    stage: Stage, cast: Cast, proposed: Any, value: str | None
) -> None:
    knock = Try(stage, cast, CONNECT)
    deal = id_of(knock.open(proposed_amount=proposed))
    knock.act(deal, INFLUENCER, "accept_connection")
    knock.act(deal, BRAND_OWNER, "send_project_details", details="Three posts")
    knock.act(deal, INFLUENCER, "accept_project")
    assert prefilled(stage, cast, deal) == value


@pytest.mark.parametrize(("quote", "is_there"), [(None, False), (4500, True)])
def test_accepting_at_the_quote_is_offered_only_with_one(
    stage: Stage, cast: Cast, quote: Any, is_there: bool
) -> None:
    knock = Try(stage, cast, APPLY)
    deal = id_of(knock.open(quote=quote))
    with stage.signed_in_as(cast.bharat):
        actions = stage.call("get_available_actions", conversation_id=deal)
    names = {action["action"] for action in actions}
    assert ("accept_application_at_quote" in names) is is_there
    if not is_there:
        with stage.refused("GUARD_FAILED", 409, details={"guard": "has_quote"}):
            knock.act(deal, BRAND_OWNER, "accept_application_at_quote")


# Who is told


@every_door
def test_the_other_side_and_nobody_else_is_asked(stage: Stage, cast: Cast, door: Door) -> None:
    knock = Try(stage, cast, door)
    stage.query("delete from realtime.messages")
    knock.open()
    told = knock.user(door.awaiting)
    topics = {
        row["topic"]
        for row in stage.query("select topic from realtime.messages where event = 'notification'")
    }
    assert topics == {f"user:{told}"}
    subject = f"{door.kind}:{knock.subject}"
    changed = stage.query("select topic from realtime.messages where topic = %s", subject)
    assert len(changed) == 1
    heard = {row["topic"] for row in stage.query("select topic from realtime.messages")}
    assert heard == {f"user:{cast.asha}", f"user:{cast.bharat}", subject}
