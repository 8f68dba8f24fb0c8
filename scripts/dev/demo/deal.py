"""A deal on the stage: people press what their client was sent, and what follows is shown.

Each takes at most ten actions within a second or so, which is what the limits as shipped let them
(setting `rate_action`); of more, the client would wait until it may.
"""

from __future__ import annotations

import json
import textwrap
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from scripts.dev.demo.person import Json, Person
from scripts.dev.demo.stage import Stage

# The books of a deal, as docs/API.md names them, and how they are called here.
BOOKS = {
    "held_minor": "held",
    "released_minor": "released to the influencer",
    "fee_minor": "fee",
    "refunded_minor": "refunded to the brand owner",
    "charged_back_minor": "charged back",
}


@dataclass
class Party:
    """One side of a deal: who it is, and which action messages are answered already."""

    name: str
    person: Person
    over: set[str] = field(default_factory=set)


@dataclass
class Deal:
    """The two parties of a conversation, and what is known of it."""

    stage: Stage
    id: str
    parties: dict[str, Party]  # by role
    state: str
    escrow: Json = field(default_factory=dict)

    async def press(self, role: str, text: str, *, twice: bool = False, **typed: Any) -> Json:
        """Press the button with this text, on the newest message on the screen that has it.

        `twice` repeats it as after a lost answer: nothing more may happen.
        """
        message = await self.see(role, text)
        button = next(b for b in message["action_data"]["buttons"] if b["text"] == text)
        client, key = self.parties[role].person.client, str(uuid.uuid4())
        click = client.click(message, button["id"], client_action_id=key, **typed)
        answer = await self.step(role, f"presses  [{text}]{_show(typed)}", click)
        if twice:
            again = await client.click(message, button["id"], client_action_id=key, **typed)
            # The context and the actions are those of the moment; what happened is what it was.
            if _taken(again) != _taken(answer):
                raise AssertionError("a repeated press was a second one")
            self.stage.tell(
                self.parties[role].name,
                "presses  it again, as after a lost answer: the same answer, no second step",
            )
        return answer

    async def fill(self, role: str, submit: str, **typed: Any) -> Json:
        """Fill in the form that is sent with this button."""
        message = await self.see(role, submit)
        form = message["action_data"]
        asked = {given["id"] for given in form["input_fields"]}
        if not typed.keys() <= asked:
            raise AssertionError(f"the form asks for {asked}")
        click = self.parties[role].person.client.click(message, form["submit_action"], **typed)
        return await self.step(role, f"sends   {_show(typed)}", click)

    async def type(self, role: str, text: str, input_type: str) -> Json:
        """Type a text where one is asked for."""
        client = self.parties[role].person.client
        typed = client.do("submit_text", conversation_id=self.id, text=text, input_type=input_type)
        return await self.step(role, f"types    {text!r}", typed)

    async def choose(self, role: str, text: str, **typed: Any) -> Json:
        """Take an action that no message offers, from the list of what can be done now."""
        client = self.parties[role].person.client
        actions = {a["text"]: a["action"] for a in await client.available_actions(self.id)}
        if text not in actions:
            raise AssertionError(f"{text!r} is not among {list(actions)}")
        act = client.act(self.id, actions[text], **typed)
        return await self.step(role, f"chooses  [{text}]{_show(typed)}", act)

    async def pay(self) -> Json:
        """The brand owner's client asks the app for the checkout; what it needs is shown."""
        payer = self.parties["brand_owner"]
        config = await payer.person.client.pay(self.id)
        self.stage.tell(payer.name, "asks     POST /v1/conversations/…/payment-order, and gets")
        for line in textwrap.wrap(f"razorpay_config {json.dumps(config)}", 84):
            self.stage.tell("", f"         {line}")
        return config

    async def follow(self, who: str, text: str, state: str, moved: Awaitable[Any]) -> None:
        """Let something outside move the deal to this state; as `step`."""

        async def taken() -> Json:
            before = self.state
            await moved
            payer = self.parties["brand_owner"].person
            await payer.hears(
                "conversation_state_changed", conversation_id=self.id, new_state=state
            )
            context = await self.context()
            update = {"previous_state": before, "new_state": context["flow_state"]}
            return {"flow_update": {**update, "awaiting_role": context["awaiting_role"]}}

        await self.step(who, text, taken())

    async def context(self) -> Json:
        """The deal as the brand owner sees it now."""
        context: Json = await self.parties["brand_owner"].person.client.call(
            "get_conversation_context", conversation_id=self.id
        )
        return context

    async def decide(self, who: str, text: str, function: str, **arguments: Any) -> Json:
        """Let the service or an operator say what no party may say, with the service key."""

        async def call() -> Json:
            answer = await self.stage.operator.post(
                f"/{function}", json={"conversation_id": self.id, **arguments}
            )
            answer.raise_for_status()
            said: Json = answer.json()
            return said

        return await self.step(who, text, call())

    async def step(self, who: str, text: str, taken: Awaitable[Json]) -> Json:
        """Take a step, wait until everybody has heard of it, and show it.

        `who` is a role, or whoever else is shown.
        """
        marks = {role: len(party.person.heard) for role, party in self.parties.items()}
        screens = {role: self._messages(role) for role in self.parties}
        answer = await taken
        update: Json = answer["flow_update"]
        if update["new_state"] != self.state:
            for role, party in self.parties.items():
                party.over |= {message["id"] for message in screens[role]}
        self.state = update["new_state"]
        await self._hear(who, update, marks)
        actor = self.parties[who].name if who in self.parties else who
        self.stage.tell(actor, f"{text} → {self.state}{self._turn(who, update)}")
        await self._show_books()
        return answer

    def _turn(self, who: str, update: Json) -> str:
        awaited = update["awaiting_role"]
        if awaited is None:
            return ""
        was_told = " and notified" if _is_called(who, awaited, update) else ""
        return f", {self.parties[awaited].name} is awaited{was_told}"

    async def _hear(self, who: str, update: Json, marks: dict[str, int]) -> None:
        """Wait for the events: the new state, and the notification to the party that is awaited.

        A party that acts hears nothing of it on this device, which has the answer.
        """
        for role, party in self.parties.items():
            if role == who:
                continue
            if update["new_state"] != update["previous_state"]:
                await party.person.hears_after(
                    marks[role],
                    "conversation_state_changed",
                    conversation_id=self.id,
                    new_state=update["new_state"],
                )
            if role == update["awaiting_role"] and _is_called(who, role, update):
                await party.person.hears_after(marks[role], "notification")

    def _messages(self, role: str) -> list[Json]:
        """The messages that this party has heard in this conversation, newest first."""
        heard = (p["message"] for p in self.parties[role].person.payloads("new_message"))
        return [m for m in heard if m["conversation_id"] == self.id][::-1]

    async def see(self, role: str, text: str) -> Json:
        """Wait for an open action message with this button, and show what its reader sees."""
        party = self.parties[role]

        def find() -> Json | None:
            return next(
                (
                    message
                    for message in self._messages(role)
                    if message["id"] not in party.over and text in _texts(message)
                ),
                None,
            )

        message = await party.person.finds(find)
        self.stage.tell(party.name, f"reads    {message['message']!r} {_draw(message)}")
        return message

    async def _show_books(self) -> None:
        books: Json = (await self.context())["escrow"]
        if sum(books[name] for name in BOOKS) != books["captured_minor"]:
            raise AssertionError(f"the books do not balance: {books}")
        if books != self.escrow and books["captured_minor"]:
            said = [f"{rupees(books[key])} {name}" for key, name in BOOKS.items() if books[key]]
            came_in = rupees(books["captured_minor"])
            self.stage.tell("escrow", f"{came_in} came in: {', '.join(said)}")
        self.escrow = books


def _is_called(who: str, role: str, update: Json) -> bool:
    """Whether a step calls for this party: it leads to its turn, and somebody else took it."""
    return role != who and update["new_state"] != update["previous_state"]


def _texts(message: Json) -> list[str]:
    """The texts of the buttons on an action message; the one that sends its form is the last."""
    shown = message["action_data"] or {}
    buttons = [*shown.get("buttons", []), shown.get("submit_button")]
    return [button["text"] for button in buttons if button]


def _draw(message: Json) -> str:
    """The buttons and fields of an action message, as on a screen."""
    shown = message["action_data"]
    fields = [f"<{given['id']}>" for given in shown.get("input_fields", [])]
    drawn = [f"[{text}]" for text in _texts(message)]
    place = len(shown.get("buttons", []))
    return " ".join([*drawn[:place], *fields, *drawn[place:]])


def _show(typed: Json) -> str:
    return "".join(f" {name}={value!r}" for name, value in typed.items())


def rupees(minor: int) -> str:
    """Paise as rupees, to be read."""
    return f"₹{minor / 100:,.0f}"


def _taken(answer: Json) -> tuple[str, list[str]]:
    """The new state and the messages of an answer."""
    return answer["flow_update"]["new_state"], [each["id"] for each in answer["messages"]]
