"""A client that knows no flow plays every flow, also one that is published afterwards.

It looks at what is offered, fills in what the form's JSON Schema asks for, and presses the friendly
buttons more often than the others. Nothing that is offered to it may be refused.
"""

from __future__ import annotations

import copy
import json
import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.chat.scenes import dice
from tests.flow.deals import Cast, open_play
from tests.flow.stages import Stage

Spec = dict[str, Any]

# How often somebody presses a button, by the color it has.
LIKING = {"success": 12, "primary": 6, "secondary": 2, "warning": 2, "danger": 1}
LONG_ENOUGH = 60


def fill_in(schema: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """An input that the schema allows: all that is required, and sometimes the rest."""
    assert schema["type"] == "object"
    return {
        name: some_value(field, chance)
        for name, field in schema["properties"].items()
        if name in schema["required"] or (chance.random() < 0.2 and name != "price")
    }


def some_value(field: dict[str, Any], chance: random.Random) -> Any:
    """A value of this type within its limits."""
    low, high = field.get("minimum", 1), field.get("maximum", 100)
    match field["type"]:
        case "integer":
            return chance.randint(int(low), int(min(high, low + 5)))
        case "number":
            return chance.randint(int(low), int(min(high, low + 1000)))
        case "array":
            return []  # files, which nobody has to send
        case _:
            return "x" * chance.randint(field.get("minLength", 1), min(20, field["maxLength"]))


class Blind:
    """Two people, a gateway, and a conversation of which they know nothing but what is offered."""

    def __init__(self, stage: Stage, cast: Cast, talk: str, chance: random.Random) -> None:
        self.stage = stage
        self.cast = cast
        self.talk = talk
        self.chance = chance
        self.visited: set[str] = set()
        self.pressed: set[str] = set()

    def look(self) -> list[tuple[uuid.UUID, Any]]:
        """Who may do what."""
        offered = []
        for user in (self.cast.asha, self.cast.bharat):
            with self.stage.signed_in_as(user):
                actions = self.stage.call("get_available_actions", conversation_id=self.talk)
            offered += [(user, action) for action in actions]
        return offered

    def press(self, user: uuid.UUID, action: Any) -> Any:
        """Do what is offered."""
        given = fill_in(action["schema"], self.chance)
        with self.stage.signed_in_as(user):
            answer = self.stage.call(
                "take_action", conversation_id=self.talk, action=action["action"], input=given
            )
        assert answer["success"] is True
        self.pressed.add(action["action"])
        self.visited |= set(answer["flow_update"]["path"])
        return answer["conversation"]

    def let_the_gateway_work(self) -> None:
        """Whoever was asked to pay pays, sooner or later; whatever is to go back goes back."""
        orders = self.stage.query(
            "select amount_minor, currency from private.payment_orders"
            " where conversation_id = %s and status = 'open'",
            self.talk,
        )
        refunds = self.stage.query(
            "select 1 from private.refunds where conversation_id = %s and status = 'requested'",
            self.talk,
        )
        with self.stage.as_service():
            if orders and self.chance.random() < 0.5:
                fact = {"payment_id": f"pay_{self.chance.random()}", **orders[0]}
                self.tell("payment_captured", fact)
            if refunds and self.chance.random() < 0.5:
                self.tell("refund_processed", {})

    def tell(self, fact: str, given: dict[str, Any]) -> None:
        """The gateway tells a fact."""
        self.stage.tell(self.talk, fact, given)

    def play(self) -> str:
        """Press until it is over or free; the last chat status."""
        status = "automated"
        for _ in range(LONG_ENOUGH):
            self.let_the_gateway_work()
            offered = self.look()
            if offered:
                weights = [LIKING[action["style"]] for _, action in offered]
                (choice,) = self.chance.choices(offered, weights)
                status = self.press(*choice)["chat_status"]
            if status != "automated":
                break
        return status


def play_often(
    stage: Stage, cast: Cast, kind: str, seeds: range
) -> tuple[set[str], set[str], set[str]]:
    """How several deals ended, which states they saw, and what was pressed in them."""
    ends, visited, pressed = set(), set(), set()
    for seed in seeds:
        with stage.rolled_back():
            client = Blind(stage, cast, open_play(stage, cast, kind).id, dice(seed))
            ends.add(client.play())
            visited |= client.visited
            pressed |= client.pressed
    return ends, visited, pressed


@pytest.mark.parametrize(
    ("kind", "first"), [("bid", "brand_owner_details"), ("campaign", "brand_owner_pricing")]
)
def test_a_client_without_any_flow_logic_plays_to_the_end(
    stage: Stage, cast: Cast, kind: str, first: str
) -> None:
    ends, visited, pressed = play_often(stage, cast, kind, range(12))
    assert {"real_time", "closed"} <= ends
    assert {first, "payment_pending", "work_in_progress", "work_submitted"} <= visited
    assert {"accept_price", "proceed_to_payment", "start_work", "approve_work"} <= pressed


def shipped_spec(stage: Stage, kind: str) -> Spec:
    """The flow in use, as an object that can be published."""
    spec: Spec = stage.value(
        "select private.flow_spec(id) from private.flow_definitions"
        " where kind = %s and status = 'published'",
        kind,
    )
    return spec


def version_in_use(stage: Stage, kind: str) -> int:
    """The version of the flow that new conversations start on."""
    version: int = stage.value(
        "select version from private.flow_definitions where kind = %s and status = 'published'",
        kind,
    )
    return version


def with_a_contract(spec: Spec) -> Spec:
    """The bid's flow with one more state and one more action: the brand owner signs a contract."""
    spec = copy.deepcopy(spec)
    near, new = "brand_owner_pricing", "contract_signing"
    spec["states"] += clones(spec["states"], lambda row: row["state"] == near, state=new)
    spec["states"][-1].update(title="A contract is to be signed", position=90)
    # Leaving, the clock and operators work there as next door.
    spec["transitions"] += clones(
        spec["transitions"],
        lambda row: row["from_state"] == near and row["to_state"] == "chat_closed",
        from_state=new,
    )
    for row in spec["transitions"]:
        if row["name"] == "influencer_accepts_project":
            (signing,) = clones([row], lambda row: True, name="N1", from_state=new)
            row["to_state"] = new
    signing.update(role="brand_owner", action="sign_contract")
    spec["transitions"].append(signing)
    spec["messages"] += clones(
        spec["messages"],
        lambda row: row["transition"] == "influencer_accepts_project",
        transition="N1",
    )
    spec["actions"] += clones(
        spec["actions"],
        lambda row: row["state"] == near and row["action"] == "end_conversation",
        state=new,
    )
    button = {"state": new, "role": "brand_owner", "action": "sign_contract", "position": 1}
    spec["actions"].append({**button, "text": "Sign", "style": "success", "drawn": "both"})
    typed = {"action": "sign_contract", "field": "signature", "position": 1, "type": "text"}
    spec["inputs"].append({**typed, "required": True, "max_length": 100})
    for trace in spec["traces"]:
        trace["steps"] = trace["steps"].replace(
            f"influencer accept_project {near}",
            f"influencer accept_project {new}\nbrand_owner sign_contract {near}",
        )
    return spec


def clones(rows: list[Spec], fits: Callable[[Spec], bool], **changed: str) -> list[Spec]:
    """Copies of the rows that fit, with other values in some columns."""
    return [{**copy.deepcopy(row), **changed} for row in rows if fits(row)]


def publish(stage: Stage, cast: Cast, spec: Spec) -> Any:
    """Let the operator publish a flow."""
    with stage.signed_in_as(cast.omkar):
        return stage.call("publish_flow", spec=spec)


def test_a_flow_published_afterwards_is_played_by_the_same_client(stage: Stage, cast: Cast) -> None:
    before = open_play(stage, cast, "bid", "influencer_reviewing")
    version = version_in_use(stage, "bid")
    published = publish(stage, cast, with_a_contract(shipped_spec(stage, "bid")))
    assert published == {"kind": "bid", "version": version + 1}
    # What runs stays on the flow that it started with.
    before.do("I", "accept_project")
    assert before.stored()["flow_state"] == "brand_owner_pricing"

    ends, visited, pressed = play_often(stage, cast, "bid", range(12))
    assert "real_time" in ends
    assert "contract_signing" in visited
    assert "sign_contract" in pressed

    play = open_play(stage, cast, "bid", "influencer_reviewing")
    play.call("influencer", "accept_project", {})
    with stage.signed_in_as(cast.asha), stage.refused("NOT_YOUR_TURN", 409):
        stage.call("take_action", conversation_id=play.id, action="sign_contract")
    with (
        stage.signed_in_as(cast.bharat),
        stage.refused("INPUT_INVALID", 422, details={"field": "signature"}),
    ):
        stage.call("take_action", conversation_id=play.id, action="sign_contract")
    # The older flow does not know the new action.
    with stage.signed_in_as(cast.bharat), stage.refused("ACTION_UNKNOWN", 422):
        stage.call("take_action", conversation_id=before.id, action="sign_contract")


def test_the_same_flow_again_is_no_new_version(stage: Stage, cast: Cast) -> None:
    for kind in ("bid", "campaign", "direct"):
        version = version_in_use(stage, kind)
        again = publish(stage, cast, shipped_spec(stage, kind))
        assert again == {"kind": kind, "version": version}


def test_a_flow_in_which_nobody_can_act_is_not_published(stage: Stage, cast: Cast) -> None:
    version = version_in_use(stage, "bid")
    spec = with_a_contract(shipped_spec(stage, "bid"))
    spec["transitions"] = [row for row in spec["transitions"] if row["action"] != "sign_contract"]
    with stage.signed_in_as(cast.omkar):
        with stage.refused("FLOW_UNSOUND", 422) as refusal:
            stage.call("publish_flow", spec=spec)
        assert stage.call("validate_flow", spec=spec)
    assert "contract_signing" in json.dumps(refusal.details["violations"])
    assert version_in_use(stage, "bid") == version
    assert not stage.query("select id from private.flow_definitions where status = 'draft'")


@pytest.mark.parametrize("kind", ["bid", "campaign"])
def test_what_is_offered_says_what_it_needs(stage: Stage, cast: Cast, kind: str) -> None:
    play = open_play(stage, cast, kind)
    for role in ("influencer", "brand_owner"):
        for action in play.available(role):
            assert action["text"]
            assert action["button_id"]
            assert action["style"] in LIKING
            assert set(action["schema"]["required"]) <= set(action["schema"]["properties"])
