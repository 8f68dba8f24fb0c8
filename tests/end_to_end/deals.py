"""A deal between two people whose clients hear everything, and somebody who has no part in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from scripts.dev.demo.person import Json, Person
from tests.end_to_end.gateway import Payments


@dataclass(frozen=True)
class Deal:
    """Asha's bid that Bharat has connected to, and Chitra, who only listens."""

    payments: Payments
    asha: Person
    bharat: Person
    chitra: Person
    id: str

    async def take(self, who: Person, action: str, **given: Any) -> Json:
        """Take an action; the answer."""
        answer: Json = await who.client.call(
            "take_action", conversation_id=self.id, action=action, input=given
        )
        return answer

    async def context(self) -> Json:
        """The deal as Bharat sees it."""
        context: Json = await self.bharat.client.call(
            "get_conversation_context", conversation_id=self.id
        )
        return context


@asynccontextmanager
async def dealing(payments: Payments) -> AsyncIterator[Deal]:
    """The three, who hear their own channel, and the bid that Bharat has connected to.

    The parties have two devices each, so they hear of own steps.
    """
    async with AsyncExitStack() as everyone:
        asha = await everyone.enter_async_context(payments.signed_in(has_two_devices=True))
        bharat = await everyone.enter_async_context(payments.signed_in(has_two_devices=True))
        chitra = await everyone.enter_async_context(payments.signed_in())
        roles = {"influencer": asha, "brand_owner": bharat}
        for role, person in roles.items():
            await person.client.call("complete_profile", role=role, display_name=role)
        for person in (asha, bharat, chitra):
            await person.client.start()
        bid = await asha.client.call("create_bid", title="Posts", description="Three posts")
        opened = await bharat.client.call("connect_bid", bid_id=bid["id"], proposed_amount=5000)
        yield Deal(payments, asha, bharat, chitra, opened["conversation"]["conversation_id"])


WALK: list[tuple[str, str, dict[str, Any], str]] = [
    ("asha", "accept_connection", {}, "brand_owner_details"),
    ("bharat", "send_project_details", {"details": "Create 3 posts"}, "influencer_reviewing"),
    ("asha", "accept_project", {}, "brand_owner_pricing"),
    ("bharat", "send_price_offer", {"price": 5000}, "influencer_price_response"),
    ("asha", "accept_price", {"price": 5000}, "payment_pending"),
    ("bharat", "proceed_to_payment", {}, "payment_pending"),
]


async def agree(deal: Deal) -> None:
    """From the request to the payment that is to be made."""
    for who, action, given, state in WALK:
        answer = await deal.take(getattr(deal, who), action, **given)
        assert answer["flow_update"]["new_state"] == state


async def walk(deal: Deal) -> None:
    """From the request to the work in progress, paid with Razorpay."""
    await agree(deal)
    await deal.payments.pay(deal.bharat, deal.id)
    started = await deal.take(deal.asha, "start_work")
    assert started["flow_update"]["new_state"] == "work_in_progress"
