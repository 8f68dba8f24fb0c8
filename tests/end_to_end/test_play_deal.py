"""The player of deals plays one by picking from what it offers, and says what is refused."""

from __future__ import annotations

import re

import pytest

from examples.python.play_deal import open_game, play
from tests.end_to_end.gateway import Payments
from tests.end_to_end.people import sdk_warnings
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]

# What is picked, and what is typed into its fields; the others stay empty.
PICKS: list[tuple[str, dict[str, str]]] = [
    ("Bharat: Pay at the checkout", {}),  # too early
    ("Asha: Accept", {}),
    ("Bharat: Send", {"details": "Three reels about tea"}),
    ("Asha: Accept project", {}),
    ("Bharat: Send offer", {"price": "Rs. 5k"}),
    ("Asha: Accept ₹5,000", {}),
    ("Bharat: Pay now", {}),
    ("Bharat: Fail at the checkout", {}),
    ("Bharat: Pay at the checkout", {}),
    ("Asha: Start work", {}),
    ("Asha: Ask for more time", {"days": "3"}),
    ("Bharat: Ask to cancel", {"reason": "Too late for us"}),
    ("Asha: Agree to cancel", {}),
    ("Asha: Sign in again", {}),
]


class Player:
    """Somebody at the terminal: picks by what was said, and keeps it."""

    def __init__(self, picks: list[tuple[str, dict[str, str]]]) -> None:
        self.said: list[str] = []
        self.picks = list(picks)
        self._typed: dict[str, str] = {}

    def ask(self, prompt: str) -> str:
        """The number of what is picked next, or what is typed into a field."""
        if prompt != "> ":
            return self._typed.get(prompt.split(":")[0].strip(), "")
        wanted, self._typed = self.picks.pop(0)
        offers = [re.fullmatch(r" *(\d+) (.*)", line) for line in self.said]
        numbers = [offer[1] for offer in offers if offer and offer[2] == wanted]
        assert numbers, f"{wanted!r} was never offered: {self.said}"
        return numbers[-1]


async def test_a_deal_is_played_from_the_request_to_the_refund(payments: Payments) -> None:
    player = Player(PICKS)
    stack = payments.stack
    game = await open_game(stack.api_url, stack.anon_key, payments.app_url, payments.sandbox.url)
    try:
        await play(game, player.ask, player.said.append)
    finally:
        await game.close()
    assert player.picks == []
    assert any(line.startswith("PAYMENT_NOT_READY: ") for line in player.said)
    assert "  Asha reads: Bharat offers ₹5,000." in player.said
    assert any("The payment did not go through." in line for line in player.said)
    assert player.said[-1].startswith("chat_closed, awaited: None")
    assert "'refunded_minor': 500000" in player.said[-1]


async def test_what_is_no_number_of_an_offer_is_asked_for_again(stack: Stack) -> None:
    said: list[str] = []
    answers = iter(["", "0", "99", "accept"])

    def ask(_: str) -> str:
        answer = next(answers, None)
        if answer is None:
            raise EOFError
        return answer

    game = await open_game(stack.api_url, stack.anon_key)
    try:
        with pytest.raises(EOFError):
            await play(game, ask, said.append)
    finally:
        await game.close()
    assert [line for line in said if line.endswith("please.")] == [
        "A number from 1 to 4, please."
    ] * 4
    assert not any("checkout" in line for line in said)
