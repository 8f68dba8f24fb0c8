"""What the tests of the flow arrange: people, deals in any state, time that passes.

A deal is played: every step is a call of an RPC, as a client, the payment gateway or an operator
would make it, and the same step is taken by the model.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chat.scenes import open_session
from tests.flow import model
from tests.flow.model import Refused, Taken
from tests.flow.rows import ADMIN, BRAND_OWNER, INFLUENCER, SYSTEM
from tests.flow.state import Deal, Pause, Step
from tests.support.databases import Database

PRICE = 5000
QUOTE = 4500
BIDDING = "I:accept_connection B:send_project_details I:accept_project B:send_price_offer"
# How a deal comes where it is, step by step, from its creation; `I`nfluencer, `B`rand owner,
# `S`ystem, `A`dmin.
OFFERED = {"bid": BIDDING, "campaign": "B:accept_application B:send_price_offer"}
PAID = "I:accept_price B:proceed_to_payment S:payment_captured"
WORKING = f"{PAID} I:start_work"
SUBMITTED = f"{WORKING} I:submit_work"
# By name: after the first price offer, the steps to go on; every state has one at least.
AFTER_OFFER = {
    "influencer_price_response": "",
    "negotiation_input of the influencer": "I:negotiate_price",
    "brand_owner_negotiation after a counter": "I:negotiate_price I:submit_counter",
    "brand_owner_negotiation after a no": "I:reject_price",
    "negotiation_input of the brand owner": "I:reject_price B:make_counter_offer",
    "negotiation_input of the brand owner in round 2": (
        "I:reject_price B:make_counter_offer B:submit_counter I:reject_price B:make_counter_offer"
    ),
    "influencer_final_response": "I:reject_price B:hold_price",
    "payment_pending": "I:accept_price",
    "payment_pending with an order": "I:accept_price B:proceed_to_payment",
    "payment_completed": PAID,
    "work_in_progress": WORKING,
    "work_in_progress with an extension proposed": f"{WORKING} I:request_extension",
    "work_in_progress after 3 revisions": f"{WORKING}{' I:submit_work B:request_revision' * 3}",
    "work_submitted": SUBMITTED,
    "work_submitted after 3 revisions": (
        f"{WORKING}{' I:submit_work B:request_revision' * 3} I:submit_work"
    ),
    "cancellation_requested by I during work": f"{WORKING} I:request_cancellation",
    "cancellation_requested by B during work": f"{WORKING} B:request_cancellation",
    "cancellation_requested by I during review": f"{SUBMITTED} I:request_cancellation",
    "cancellation_requested by B during review": f"{SUBMITTED} B:request_cancellation",
    "disputed by an operator before work": f"{PAID} A:force_dispute",
    "disputed by the bank before work": f"{PAID} S:bank_dispute_opened",
    "disputed by I during work": f"{WORKING} I:raise_dispute",
    "disputed by I during review": f"{SUBMITTED} I:raise_dispute",
    "disputed by B during review": f"{SUBMITTED} B:raise_dispute",
    "disputed by B during a cancellation": f"{WORKING} I:request_cancellation B:raise_dispute",
    "disputed by the bank during review": f"{SUBMITTED} S:bank_dispute_opened",
    "refund_pending": f"{PAID} I:decline_work",
    "real_time": f"{SUBMITTED} B:approve_work",
    "chat_closed unpaid with an order": ("I:accept_price B:proceed_to_payment B:end_conversation"),
    "chat_closed after a refund": f"{PAID} I:decline_work S:refund_processed",
    "chat_closed after success": f"{SUBMITTED} B:approve_work I:close_conversation",
}
BEFORE_OFFER = {
    "bid": {
        "influencer_responding": "",
        "brand_owner_details": "I:accept_connection",
        "influencer_reviewing": "I:accept_connection B:send_project_details",
        "brand_owner_pricing": "I:accept_connection B:send_project_details I:accept_project",
        "chat_closed": "I:reject_connection",
    },
    "campaign": {
        "brand_owner_reviewing": "",
        "influencer_responding": "invited",
        "brand_owner_pricing": "B:accept_application",
        "chat_closed": "B:reject_application",
    },
}
SCENES = {
    kind: BEFORE_OFFER[kind]
    | {name: f"{OFFERED[kind]} {steps}".strip() for name, steps in AFTER_OFFER.items()}
    for kind in ("bid", "campaign")
}


def scenes_to_try() -> list[Any]:
    """(kind, scene) of every scene, for `parametrize`.

    From the first price on both kinds walk the same rows, which test_rows.py compares: the
    campaign's are left to `--long`.
    """
    return [
        pytest.param(
            kind,
            scene,
            marks=[pytest.mark.long] if kind == "campaign" and scene in AFTER_OFFER else [],
        )
        for kind in SCENES
        for scene in SCENES[kind]
    ]


ROLES = {"I": INFLUENCER, "B": BRAND_OWNER, "S": SYSTEM, "A": ADMIN}

# What is given with an action unless the test says otherwise.
USUAL: Mapping[str, Mapping[str, Any]] = {
    "send_project_details": {"details": "Create 3 Instagram posts..."},
    "request_details_change": {"question": "Which products?"},
    "send_price_offer": {"price": PRICE},
    "submit_counter": {"price": 6000},
    "submit_work": {"deliverables": "https://drive.example/posts"},
    "request_revision": {"feedback": "Please adjust the color scheme"},
    "request_extension": {"days": 3},
    "rate_collaboration": {"rating": 5, "comment": "A pleasure"},
    "resolve_split": {"refund_amount": 2000},
    "mark_refunded_manually": {"reference": "UTR 1"},
    "force_close": {"reason": "moderation"},
    "force_dispute": {"reason": "fraud"},
}
VERDICTS = ("resolve_release", "resolve_refund", "resolve_split", "resolve_resume")


@dataclass(frozen=True)
class Cast:
    """Asha the influencer, Bharat the brand owner, Chitra the stranger, Omkar the operator."""

    asha: uuid.UUID
    bharat: uuid.UUID
    chitra: uuid.UUID
    omkar: uuid.UUID


def gather_cast(db: Database) -> Cast:
    """The four with their profiles; the two parties have one more device each, which hears."""
    names = ("Asha", "Bharat", "Chitra", "Omkar")
    cast = Cast(*(db.create_user(name) for name in names))
    roles = {cast.asha: INFLUENCER, cast.bharat: BRAND_OWNER, cast.chitra: INFLUENCER}
    for user, role in roles.items():
        with db.signed_in_as(user):
            db.call("complete_profile", role=role, display_name=role)
    for party in (cast.asha, cast.bharat):
        open_session(db, party)
    db.query("insert into private.admins (user_id) values (%s)", cast.omkar)
    return cast


@dataclass
class Play:
    """A deal that is played, and the model that plays along."""

    db: Database
    cast: Cast
    kind: str
    id: str
    model: Deal
    taken: list[Taken] = field(default_factory=list)

    def user(self, role: str) -> uuid.UUID:
        """Who has this role; in a direct chat a role is who it is."""
        return {INFLUENCER: self.cast.asha, BRAND_OWNER: self.cast.bharat}[role]

    def now(self) -> datetime:
        """What time it is."""
        return self.db.now()

    def step(self, role: str, action: str, given: Mapping[str, Any]) -> Step:
        """The step for the model."""
        return Step(role, action, given, self.now(), role)

    def usual(self, action: str) -> dict[str, Any]:
        """What is given with an action when nothing else is said."""
        if action in ("payment_captured", "payment_mismatch"):
            amount = self.model.agreed or PRICE * 100
            return {
                "payment_id": f"pay_{uuid.uuid4().hex}",
                "amount_minor": amount,
                "currency": "INR",
            }
        return dict(USUAL.get(action, {}))

    def call(self, role: str, action: str, given: Mapping[str, Any], **more: Any) -> Any:
        """Take the action in the database alone."""
        if role == SYSTEM:
            return self.db.tell(self.id, action, given)
        if role == ADMIN:
            return self._operate(action, given)
        with self.db.signed_in_as(self.user(role)):
            return self.db.call(
                "take_action", conversation_id=self.id, action=action, input=given, **more
            )

    def _operate(self, action: str, given: Mapping[str, Any]) -> Any:
        function, arguments = action, dict(given)
        if action in VERDICTS:
            function, arguments["verdict"] = "resolve_dispute", action.removeprefix("resolve_")
        with self.db.signed_in_as(self.cast.omkar):
            return self.db.call(function, conversation_id=self.id, **arguments)

    def do(self, who: str, action: str, **given: Any) -> Any:
        """Take the action in the database and in the model; the database's answer."""
        role = ROLES.get(who, who)
        given = given or self.usual(action)
        answer = self.call(role, action, given)
        taken = model.take(self.model, self.step(role, action, given))
        assert not isinstance(taken, Refused), f"the model refuses {action}: {taken}"
        self.taken = taken
        return answer

    def walk(self, steps: str) -> None:
        """Take several steps with the usual input: `I:accept_price B:proceed_to_payment`."""
        for step in steps.split():
            self.do(*step.split(":"))

    def context(self, role: str) -> Any:
        """The conversation as this party gets it now."""
        with self.db.signed_in_as(self.user(role)):
            return self.db.call("get_conversation_context", conversation_id=self.id)

    def available(self, role: str) -> list[Any]:
        """What this party may do now, as the database says."""
        with self.db.signed_in_as(self.user(role)):
            actions: list[Any] = self.db.call("get_available_actions", conversation_id=self.id)
        return actions

    def stored(self) -> dict[str, Any]:
        """The conversation's row."""
        (row,) = self.db.query("select * from private.conversations where id = %s", self.id)
        return row

    def let_pass(self, time: timedelta) -> None:
        """Let time pass, by moving all stored times of the conversation back, exactly."""
        move_back(self.db, self.id, time)
        shift_model(self.model, -time)

    def let_pass_until(self, moment: datetime | None) -> None:
        """Let time pass until this moment (of the model) is now."""
        assert moment is not None
        self.let_pass(moment - self.now())


def open_play(db: Database, cast: Cast, kind: str = "bid", scene: str = "") -> Play:
    """A new deal, brought to a scene of `SCENES`, or just created."""
    steps = SCENES[kind][scene] if scene else ""
    opened = _create(db, cast, "invited" if steps == "invited" else kind)
    created = opened["conversation"]
    now = datetime.fromisoformat(created["created_at"])
    deal = new_deal(kind, now, invited=steps == "invited")
    play = Play(db, cast, kind, created["conversation_id"], deal)
    play.walk(steps.removeprefix("invited"))
    return play


def _create(db: Database, cast: Cast, how: str) -> Any:
    if how == "bid":
        with db.signed_in_as(cast.asha):
            bid = db.call("create_bid", title="Three posts", description="On two feeds")
        with db.signed_in_as(cast.bharat):
            return db.call("connect_bid", bid_id=bid["id"], proposed_amount=PRICE)
    with db.signed_in_as(cast.bharat):
        campaign = db.call("create_campaign", title="Autumn", brief="Three posts")["id"]
        if how == "invited":
            return db.call("invite_to_campaign", campaign_id=campaign, influencer_id=cast.asha)
    with db.signed_in_as(cast.asha):
        return db.call("apply_to_campaign", campaign_id=campaign, quote=QUOTE)


def imagine(kind: str, scene: str) -> Deal:
    """What the model makes of a scene, without any database."""
    now = datetime(2027, 1, 1, tzinfo=UTC)
    steps = SCENES[kind][scene]
    deal = new_deal(kind, now, invited=steps == "invited")
    for number, step in enumerate(steps.removeprefix("invited").split()):
        who, action = step.split(":")
        given = dict(USUAL.get(action, {}))
        if action == "payment_captured":
            given = {"payment_id": str(number), "amount_minor": deal.agreed, "currency": "INR"}
        taken = model.take(deal, Step(ROLES[who], action, given, now, ROLES[who]))
        assert not isinstance(taken, Refused), f"{scene} cannot be played: {step}: {taken}"
    return deal


def new_deal(kind: str, now: datetime, *, invited: bool = False) -> Deal:
    """The model of a deal that has just been created."""
    applied = kind == "campaign" and not invited
    state = "brand_owner_reviewing" if applied else "influencer_responding"
    deal = Deal(kind, state, BRAND_OWNER if applied else INFLUENCER, entered=now)
    deal.quote = QUOTE * 100 if applied else None
    model.set_deadline(deal)
    return deal


# Stored times, as JSON has them.
A_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def move_back(db: Database, conversation: str, time: timedelta) -> None:
    """Let every time that the conversation's clocks count from be so much earlier."""
    (row,) = db.query("select flow_data from private.conversations where id = %s", conversation)
    db.query(
        "update private.ratings set created_at = created_at - %s where conversation_id = %s",
        *(time, conversation),
    )
    db.query(
        """
        update private.conversations
        set flow_data = %(flow_data)s, created_at = created_at - %(time)s,
          updated_at = updated_at - %(time)s, entered_at = entered_at - %(time)s,
          timed_at = timed_at - %(time)s, deadline_at = deadline_at - %(time)s,
          delivery_due_at = delivery_due_at - %(time)s
        where id = %(id)s
        """,
        {
            "id": conversation,
            "time": time,
            "flow_data": json.dumps(_earlier(row["flow_data"], time)),
        },
    )


def _earlier(value: Any, time: timedelta) -> Any:
    if isinstance(value, dict):
        return {key: _earlier(inner, time) for key, inner in value.items()}
    if isinstance(value, str) and A_TIME.match(value):
        return (datetime.fromisoformat(value) - time).isoformat()
    return value


def shift_model(deal: Deal, by: timedelta) -> None:
    """The same for the model."""
    for name, value in vars(deal).items():
        if isinstance(value, datetime):
            setattr(deal, name, value + by)
    if deal.pause is not None:
        pause = deal.pause
        deal.pause = Pause(pause.state, pause.deadline + by, pause.since + by, pause.by)
