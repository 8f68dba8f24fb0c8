"""A campaign becomes a deal that ends in a dispute: an operator shares the money between them."""

from __future__ import annotations

import textwrap

from scripts.dev.demo.deal import Deal, Party
from scripts.dev.demo.stage import Scene, Stage

QUOTE = 7500
REFUND = 3000


async def play(stage: Stage) -> None:
    """From Dev's campaign to the refund, and the proof that its history is whole."""
    deal = await apply(stage)
    await disagree(deal)
    await share(deal)
    await prove(deal)


async def apply(stage: Stage) -> Deal:
    """Chitra applies with a price; Dev takes it, pays, and she starts."""
    chitra = Party("Chitra", await stage.admit("chitra"))
    dev = Party("Dev", await stage.admit("dev"))
    parties = {"influencer": chitra, "brand_owner": dev}
    for role, party in parties.items():
        client = party.person.client
        await client.call("complete_profile", role=role, display_name=party.name)
        await client.start()
    campaign = await dev.person.client.call(
        "create_campaign", title="Diwali", brief="Ten photos of our lamps", budget=8000
    )
    stage.tell("Dev", f"starts   the campaign {campaign['title']!r} with ₹8,000 at most")
    opened = await chitra.person.client.do(
        "apply_to_campaign", campaign_id=campaign["id"], quote=QUOTE, pitch="I love lamps."
    )
    context = opened["conversation"]
    stage.tell("Chitra", f"applies  for ₹{QUOTE:,} → {context['flow_state']}")
    deal = Deal(stage, context["conversation_id"], parties, context["flow_state"])
    await deal.press("brand_owner", f"Accept at ₹{QUOTE:,}")
    await deal.press("brand_owner", "Pay now")
    order_id = (await dev.person.client.pay(deal.id))["order_id"]
    lost = await stage.gateway.pay_unheard(order_id)
    stage.tell("Dev", f"pays     at the checkout; lost on their way: {', '.join(lost)}")
    await deal.follow(
        "Chitra",
        "opens    the chat: POST …/payment-refresh lets the app ask Razorpay",
        "payment_completed",
        chitra.person.client.refresh_payment(deal.id),
    )
    await deal.press("influencer", "Start work")
    return deal


async def disagree(deal: Deal) -> None:
    """Dev wants out, Chitra does not, Dev calls an operator."""
    deal.stage.head("They disagree")
    await deal.choose("brand_owner", "Ask to cancel", reason="I have four photos, not ten")
    await deal.press("influencer", "Do not cancel", reason="Six more are on their way")
    await deal.press("brand_owner", "Open a dispute")


async def share(deal: Deal) -> None:
    """An operator decides; the money moves when the gateway has paid it back."""
    deal.stage.head("An operator decides")
    await deal.decide(
        "operator",
        f"decides  resolve_dispute: ₹{REFUND:,} go back",
        "resolve_dispute",
        verdict="split",
        refund_amount=REFUND,
    )
    await deal.follow(
        "Dev",
        "is back  POST /v1/session/cleanup: the app asks for the refund, which has a key and "
        "so is made once; refund.processed comes",
        "chat_closed",
        deal.parties["brand_owner"].person.client.clean_up(),
    )
    books = deal.escrow
    if (books["refunded_minor"], books["released_minor"]) != (REFUND * 100, (QUOTE - REFUND) * 100):
        raise AssertionError(f"the money went elsewhere: {books}")


async def prove(deal: Deal) -> None:
    """Both sides read the same history, and it proves itself."""
    heads = set()
    for party in deal.parties.values():
        client = party.person.client
        steps = await client.call("get_conversation_history", conversation_id=deal.id)
        proof = await client.call("verify_conversation", conversation_id=deal.id)
        if not proof["valid"] or proof["events"] != len(steps):
            raise AssertionError(f"the history is not whole: {proof}")
        heads.add((proof["head_hash"], steps[-1]["hash"]))
    if len(heads) != 1:
        raise AssertionError("the two sides have different histories")
    told = " → ".join(step["action"] for step in steps)
    for line in textwrap.wrap(f"read the same {len(steps)} steps: {told}", 90):
        deal.stage.tell("both", line)
    deal.stage.tell(
        "both", f"prove them: the chain of hashes is whole, up to {proof['head_hash'][:12]}…"
    )


CAMPAIGN_DEAL: tuple[tuple[str, Scene], ...] = (("A campaign becomes a deal", play),)
