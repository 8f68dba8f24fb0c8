"""Bids and campaigns that stay open, for people who look around in the market."""

from __future__ import annotations

from scripts.dev.demo.stage import Scene, Stage

BIDS = (
    ("asha", "Three reels for a launch", "Thirty seconds each, one round of changes.", 9000),
    ("asha", "A morning with your shop", "A story in six parts, filmed while you open.", 5500),
    ("chitra", "Recipe with your product", "A short film and four photos in daylight.", 7000),
    ("chitra", "Unboxing, unscripted", "What I think of it, on camera, in one take.", 3200),
)
CAMPAIGNS = (
    ("bharat", "Monsoon teas", "Reels of our five new teas on a rainy afternoon.", 12000),
    ("bharat", "A face for our shop", "Somebody from Pune who visits us once a month.", None),
    ("dev", "Lamps for every window", "Ten photos of our clay lamps at dusk.", 8000),
)


async def fill(stage: Stage) -> None:
    """Everybody leaves something in the market."""
    clients = {"asha": stage.asha.client, "bharat": stage.bharat.client}
    clients |= {name: person.client for name, person in stage.people.items()}
    for who, title, description, amount in BIDS:
        await clients[who].call("create_bid", title=title, description=description, amount=amount)
    for who, title, brief, budget in CAMPAIGNS:
        await clients[who].call("create_campaign", title=title, brief=brief, budget=budget)
    stage.tell("all", f"leave    {len(BIDS)} bids and {len(CAMPAIGNS)} campaigns to look at")


MARKET: tuple[tuple[str, Scene], ...] = (("A market to look around in", fill),)
