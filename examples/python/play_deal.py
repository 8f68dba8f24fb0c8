"""Plays a deal on a terminal, both sides of it, by nothing but what each may do now.

    python -m examples.python.play_deal URL ANON_KEY [--app URL --sandbox URL]

Two new people sign up: Asha offers something, Bharat asks for it. From there on the server says
what each may do and what is to be typed with it. With the addresses of the Flask app and of the
payment sandbox Bharat can pay, and refunds arrive. It ends when the deal is closed, or with the
input (Ctrl-D).
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from examples.python.parley_client import Json, ParleyClient, ParleyError

Ask = Callable[[str], str]
Say = Callable[[str], None]

PASSWORD = "play-a-deal"  # noqa: S105 - of people made for one game


@dataclass(frozen=True)
class Choice:
    """Something that can be done now, and by whom."""

    who: str
    text: str
    schema: Json
    do: Callable[[Json], Awaitable[Any]]


@dataclass
class Game:
    """The deal and everybody in it; `read` is up to which message each has been shown."""

    id: str
    people: dict[str, ParleyClient]
    read: dict[str, int]
    checkout: httpx.AsyncClient | None  # the sandbox
    order_id: str = ""

    async def close(self) -> None:
        """Close all connections."""
        for client in self.people.values():
            await client.close()
        if self.checkout:
            await self.checkout.aclose()

    async def context(self) -> Json:
        """Where the deal stands, as Asha may see it."""
        client = next(iter(self.people.values()))
        context: Json = await client.call("get_conversation_context", conversation_id=self.id)
        return context

    async def choices(self) -> list[Choice]:
        """What everybody may do now, in the deal and around it."""
        context = await self.context()
        if context["chat_status"] == "closed":
            return []
        found = []
        for name, client in self.people.items():
            for action in await client.available_actions(self.id):
                do = _act(client, self.id, action["action"])
                found.append(Choice(name, action["text"], action["schema"], do))
            if context["free_text_allowed"]:
                schema: Json = {"properties": {"message": {}}}
                found.append(Choice(name, "Write", schema, _write(client, self.id)))
        if self.checkout:
            nothing: Json = {"properties": {}}
            found.append(Choice("Bharat", "Pay at the checkout", nothing, self._pay("captured")))
            found.append(Choice("Bharat", "Fail at the checkout", nothing, self._pay("failed")))
            found += [
                Choice(name, "Sign in again", nothing, self._come_back(client))
                for name, client in self.people.items()
            ]
        return found

    def _pay(self, outcome: str) -> Callable[[Json], Awaitable[Any]]:
        async def pay(_: Json) -> None:
            client = self.people["Bharat"]
            self.order_id = (await client.pay(self.id))["order_id"]
            paid = await self._ask_sandbox(
                "POST", f"/orders/{self.order_id}/pay", json={"outcome": outcome}
            )
            if "error" in paid:
                await self._await_webhook("payment.failed")
            else:  # what a page gets from checkout, and hands on
                await client.confirm_payment(self.id, paid)

        return pay

    def _come_back(self, client: ParleyClient) -> Callable[[Json], Awaitable[Any]]:
        async def come_back(_: Json) -> None:
            state = (await self.context())["flow_state"]
            await client.clean_up()
            if state == "refund_pending":
                await self._await_webhook("refund.processed")

        return come_back

    async def _await_webhook(self, event: str) -> None:
        query = {"until": self.order_id, "event": event}
        await self._ask_sandbox("GET", "/deliveries", params=query)

    async def _ask_sandbox(self, method: str, path: str, **more: Any) -> Json:
        assert self.checkout is not None  # noqa: S101 - or nothing of this was offered
        answer = await self.checkout.request(method, f"/sandbox{path}", **more)
        said: Json = answer.json()
        return said

    async def show(self, say: Say) -> None:
        """Say what each has got to read, and where the deal stands."""
        for name, client in self.people.items():
            messages = await client.call(
                "get_messages", conversation_id=self.id, after_seq=self.read[name]
            )
            for message in messages:
                say(f"  {name} reads: {message['message']}")
                self.read[name] = message["seq"]
        context = await self.context()
        books = {key: value for key, value in context["escrow"].items() if value}
        say(f"{context['flow_state']}, awaited: {context['awaiting_role']}, in paise: {books}")


async def play(game: Game, ask: Ask, say: Say) -> None:
    """Offer what can be done until the deal is closed, or until `ask` raises EOFError."""
    await game.show(say)
    while choices := await game.choices():
        for number, choice in enumerate(choices, 1):
            say(f"{number:3} {choice.who}: {choice.text}")
        picked = ask("> ")
        if not picked.isdecimal() or not 1 <= int(picked) <= len(choices):
            say(f"A number from 1 to {len(choices)}, please.")
            continue
        choice = choices[int(picked) - 1]
        try:
            await choice.do(_fill_in(choice.schema, ask))
        except ParleyError as error:
            say(f"{error.error_code}: {error} {error.details}")
        await game.show(say)


async def open_game(url: str, key: str, app: str = "", sandbox: str = "") -> Game:
    """Let two new people come and start a deal; with an app and a sandbox it can be paid."""
    people = {}
    for name, role in {"Asha": "influencer", "Bharat": "brand_owner"}.items():
        email = f"{name.lower()}-{uuid.uuid4().hex[:8]}@example.com"
        people[name] = await ParleyClient.sign_up(url, key, email, PASSWORD, app_url=app)
        await people[name].call("complete_profile", role=role, display_name=name)
    bid = await people["Asha"].call("create_bid", title="Three reels", description="Of 30 seconds")
    opened = await people["Bharat"].do("connect_bid", bid_id=bid["id"], proposed_amount=5000)
    checkout = httpx.AsyncClient(base_url=sandbox, timeout=20) if app and sandbox else None
    id_ = opened["conversation"]["conversation_id"]
    return Game(id_, people, dict.fromkeys(people, 0), checkout)


def _fill_in(schema: Json, ask: Ask) -> Json:
    """Ask for each field, empty for none; the server reads prices as people type them."""
    given: Json = {}
    for name, field in schema["properties"].items():
        text = ask(f"    {name}: {field.get('description', '')} ").strip()
        is_count = field.get("type") == "integer" and text.isdecimal()
        given[name] = int(text) if is_count else text
    return given


def _act(client: ParleyClient, id_: str, action: str) -> Callable[[Json], Awaitable[Any]]:
    return lambda given: client.act(id_, action, **given)


def _write(client: ParleyClient, id_: str) -> Callable[[Json], Awaitable[Any]]:
    return lambda given: client.send(id_, **given)


async def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--app", default="", help="the Flask app's address, to pay")
    parser.add_argument("--sandbox", default="", help="the payment sandbox's address, to pay there")
    args = parser.parse_args()
    game = await open_game(args.url, args.key, args.app, args.sandbox)
    try:
        await play(game, input, print)
    except EOFError:
        return
    finally:
        await game.close()


if __name__ == "__main__":
    asyncio.run(_main())
