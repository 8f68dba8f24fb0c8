"""Breaks a flow in every way of a kind: each mutant differs from the flow in one thing.

A spec is what `private.flow_spec` gives. Mutants are as consistent as an editor would leave them:
with a row go the buttons and messages that only it had, and what leads to the end closes. So it is
the meaning of the flow that has to catch them, not a loose thread.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Spec = dict[str, Any]
Row = dict[str, Any]
Mutants = Iterator[tuple[str, Spec]]

MONEY_EFFECTS = {
    "hold_funds",
    "release_funds",
    "request_refund",
    "request_agreed_refund",
    "request_split_refund",
    "settle_refund",
    "charge_back",
}
# What decides between moves, and what later moves build on; without them a flow is another flow.
DECISIVE_GUARDS = {
    "has_counter",
    "has_no_submission",
    "has_quote",
    "has_revision_left",
    "has_submission",
    "is_bank_dispute",
    "is_earlier_round",
    "is_last_round",
    "is_opener",
    "is_requester",
    "was_there",
}
# What ends a way that could be gone round for ever; each is enough for its ways.
ALLOWANCES = (
    {"has_return_left"},
    {"has_question_left"},
    {"has_revision_left"},
    {"has_withdrawal_left"},
    {"has_extension_left"},
    {"has_cancellation_left"},
    {"has_dispute_left"},
    {"has_closing_left", "has_reopening_left"},
)
REMEMBERING_EFFECTS = {
    "agree_on_counter",
    "agree_on_offer",
    "agree_on_quote",
    "bounce_payment",
    "close_dispute",
    "make_counter",
    "open_dispute",
    "open_order",
    "propose_cancellation",
    "resume",
}


def say(row: Row) -> str:
    """The name of one transition, for people."""
    return f"{row['name']} {row['from_state']}: {row['role']} {row['action']} -> {row['to_state']}"


def drop_rows(spec: Spec) -> Mutants:
    """Leave out one transition, with its button and messages when no other row needs them."""
    for index, row in enumerate(spec["transitions"]):
        mutant = copy.deepcopy(spec)
        del mutant["transitions"][index]
        rest = mutant["transitions"]
        buttons = {(one["from_state"], one["role"], one["action"]) for one in rest}
        mutant["actions"] = [
            one
            for one in mutant["actions"]
            if (one["state"], one["role"], one["action"]) in buttons
        ]
        for message in mutant["messages"]:
            _offer_what_is_there(message, rest)
        mutant["messages"] = _without_orphans(mutant["messages"], "transition", rest, "name")
        mutant["inputs"] = _without_orphans(mutant["inputs"], "action", rest, "action")
        yield say(row), mutant


def swap_awaiting(spec: Spec) -> Mutants:
    """Let one transition await the wrong party."""
    swapped = {"influencer": "brand_owner", "brand_owner": "influencer"}
    for index, row in enumerate(spec["transitions"]):
        awaiting = row["role"] if row["awaiting"] == "other" else swapped.get(row["awaiting"])
        if awaiting is None:
            continue
        mutant = copy.deepcopy(spec)
        mutant["transitions"][index]["awaiting"] = awaiting
        yield say(row), mutant


def redirect_to_the_end(spec: Spec) -> Mutants:
    """Let one transition close the conversation instead of going on."""
    for index, row in enumerate(spec["transitions"]):
        if row["to_state"] == "chat_closed":
            continue
        mutant = copy.deepcopy(spec)
        mutated = mutant["transitions"][index]
        mutated |= {"to_state": "chat_closed", "awaiting": None, "follow_up": None}
        mutated["effects"] = [*row["effects"], "close"]
        yield say(row), mutant


def remove_money_effects(spec: Spec) -> Mutants:
    """Leave out one effect that moves money."""
    return _without(spec, "effects", MONEY_EFFECTS)


def remove_remembering_effects(spec: Spec) -> Mutants:
    """Leave out one effect that later moves build on."""
    return _without(spec, "effects", REMEMBERING_EFFECTS)


def remove_decisive_guards(spec: Spec) -> Mutants:
    """Leave out one guard that decides what may happen."""
    return _without(spec, "guards", DECISIVE_GUARDS)


def lift_allowances(spec: Spec) -> Mutants:
    """Let something be done as often as anybody likes."""
    for guards in ALLOWANCES:
        mutant = copy.deepcopy(spec)
        for row in mutant["transitions"]:
            row["guards"] = [guard for guard in row["guards"] if guard not in guards]
        if mutant != spec:
            yield f"without {' and '.join(sorted(guards))}", mutant


def let_clocks_run_on(spec: Spec) -> Mutants:
    """Let the time limit of one party's state count from the payment, not from its beginning."""
    for index, state in enumerate(spec["states"]):
        if state["clock"] == "since_entry" and state["waiting_on"] == "none":
            mutant = copy.deepcopy(spec)
            mutant["states"][index]["clock"] = "since_payment"
            yield state["state"], mutant


def refund_submitted_work(spec: Spec) -> Mutants:
    """Let one move of a clock or of the brand owner refund what it left to an operator."""
    for index, row in enumerate(spec["transitions"]):
        if "has_submission" not in row["guards"]:
            continue
        mutant = copy.deepcopy(spec)
        effects = ["request_refund", "drop_extension"]
        if "close_dispute" in row["effects"]:
            effects.append("close_dispute")
        mutant["transitions"][index] |= {
            "to_state": "refund_pending", "effects": effects, "follow_up": None
        }  # fmt: skip
        yield say(row), mutant


MUTATIONS: tuple[Callable[[Spec], Mutants], ...] = (
    drop_rows,
    swap_awaiting,
    redirect_to_the_end,
    remove_money_effects,
    remove_remembering_effects,
    remove_decisive_guards,
    lift_allowances,
    let_clocks_run_on,
    refund_submitted_work,
)


def _without(spec: Spec, column: str, names: set[str]) -> Mutants:
    for index, row in enumerate(spec["transitions"]):
        for name in names.intersection(row[column]):
            mutant = copy.deepcopy(spec)
            mutant["transitions"][index][column].remove(name)
            yield f"{say(row)} without {name}", mutant


def _without_orphans(items: list[Row], key: str, rows: list[Row], named: str) -> list[Row]:
    names = {row[named] for row in rows}
    return [item for item in items if item[key] in names]


def _offer_what_is_there(message: Row, rows: list[Row]) -> None:
    if message["buttons"]:
        actions = {row["action"] for row in rows}
        message["buttons"] = {
            action: text for action, text in message["buttons"].items() if action in actions
        }
