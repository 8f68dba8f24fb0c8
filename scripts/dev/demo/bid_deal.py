"""A bid becomes a deal: a price, a payment, work, a revision, free chat, ratings."""

from __future__ import annotations

import httpx

from examples.python.parley_client import ParleyError
from scripts.dev.demo.deal import Deal, Party
from scripts.dev.demo.stage import Scene, Stage


async def play(stage: Stage) -> None:
    """From Asha's bid to the ratings; each press is of a button that was heard over Realtime."""
    stage.is_muted = True  # from here on only what is read is shown
    deal = await connect(stage)
    await agree_on_price(deal)
    await pay(deal)
    await work(deal)
    await part(deal)


async def connect(stage: Stage) -> Deal:
    """Bharat asks for what Asha offers; she accepts, he describes the project, she agrees."""
    asha, bharat = Party("Asha", stage.asha), Party("Bharat", stage.bharat)
    bid = await stage.asha.client.call(
        "create_bid", title="Three reels", description="Reels of 30 seconds", amount=4500
    )
    stage.tell("Asha", f"offers   {bid['title']!r} for ₹4,500")
    opened = await stage.bharat.client.do("connect_bid", bid_id=bid["id"], proposed_amount=5000)
    context = opened["conversation"]
    stage.tell("Bharat", f"asks for it, with ₹5,000 in mind → {context['flow_state']}")
    parties = {"influencer": asha, "brand_owner": bharat}
    deal = Deal(stage, context["conversation_id"], parties, context["flow_state"])
    await deal.press("influencer", "Accept")
    await deal.fill("brand_owner", "Send", details="Three reels about our new tea, by Diwali")
    await deal.press("influencer", "Accept project")
    return deal


async def agree_on_price(deal: Deal) -> None:
    """An offer and a counter offer; who presses what is not there is told why not."""
    deal.stage.head("The price of the deal")
    await deal.fill("brand_owner", "Send offer", price=5000)
    await deal.press("influencer", "Negotiate")
    await deal.type("influencer", "₹6,000", "negotiation")
    try:
        await deal.stage.asha.client.act(deal.id, "accept_price")
    except ParleyError as error:
        deal.stage.tell("Asha", f"tries    accept_price: {error.error_code} {error.details}")
    else:
        raise AssertionError("a price was accepted that is not on the table")
    await deal.press("brand_owner", "Accept ₹6,000")


async def pay(deal: Deal) -> None:
    """A failed attempt, a payment that is held, and webhooks that change nothing."""
    stage, gateway = deal.stage, deal.stage.gateway
    stage.head("The payment")
    await deal.press("brand_owner", "Pay now")
    order_id = (await deal.pay())["order_id"]
    await gateway.fail(order_id)
    stage.tell("bank", "refuses; the webhook payment.failed comes")
    await deal.see("brand_owner", "Retry")
    paid: list[str] = []

    async def succeed() -> None:
        paid.append(await gateway.pay(order_id))

    await deal.follow(
        "Bharat",
        "pays     at the checkout, the same order; signed webhooks come",
        "payment_completed",
        succeed(),
    )
    before = await deal.context()
    answers = await gateway.repeat(paid[0])
    after = await deal.context()
    if any(after[part] != before[part] for part in ("flow_state", "escrow", "last_seq")):
        raise AssertionError("a repeated webhook changed the deal")
    stage.tell("gateway", f"sends    them all again: {_list(answers)}, and nothing changes")
    refused = await gateway.forge()
    if refused.status_code != httpx.codes.UNAUTHORIZED:
        raise AssertionError("a changed webhook was taken")
    stage.tell(
        "Mallory",
        f"changes  one byte of a webhook: {refused.status_code} {refused.json()['error_code']}",
    )


async def work(deal: Deal) -> None:
    """Work, more time, a revision, an approval that is sent twice and done once."""
    deal.stage.head("The work")
    await deal.press("influencer", "Start work")
    await deal.press("influencer", "Ask for more time", days=3)
    await deal.press("brand_owner", "Give more time")
    await deal.fill("influencer", "Submit work", deliverables="https://drive.example/reels/1")
    await deal.press("brand_owner", "Ask for a change", feedback="More of the tea, please")
    await deal.fill("influencer", "Submit work", deliverables="https://drive.example/reels/2")
    await deal.press("brand_owner", "Approve", twice=True)


async def part(deal: Deal) -> None:
    """Now they may write freely; each rates the other, and sees the other's when both have."""
    deal.stage.head("Free chat, and what they think of each other")
    asha, bharat = deal.stage.asha, deal.stage.bharat
    for name, writer, reader, text in (
        ("Bharat", bharat, asha, "Lovely reels, thank you!"),
        ("Asha", asha, bharat, "Lovely tea."),
    ):
        await writer.client.send(deal.id, text)
        await reader.hears_text(text)
        deal.stage.tell(name, f"writes   {text!r}, and is heard")
    await deal.choose("influencer", "Rate", rating=5, comment="Clear and kind")
    hidden = await bharat.client.call("get_ratings", conversation_id=deal.id)
    await deal.choose("brand_owner", "Rate", rating=4)
    shown = await bharat.client.call("get_ratings", conversation_id=deal.id)
    deal.stage.tell(
        "Bharat", f"saw      of hers before his own: {hidden['theirs']}, now: {_stars(shown)}"
    )
    if hidden["theirs"] is not None or shown["theirs"]["rating"] != 5:
        raise AssertionError("the ratings are not double-blind")


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def _stars(ratings: dict[str, dict[str, object]]) -> str:
    theirs = ratings["theirs"]
    return f"{theirs['rating']} of 5, {theirs['comment']!r}"


BID_DEAL: tuple[tuple[str, Scene], ...] = (
    ("A bid becomes a deal: what is read and pressed came over Realtime", play),
)
