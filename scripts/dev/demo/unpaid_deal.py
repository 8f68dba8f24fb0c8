"""A deal that waits for its payment, to pay by hand."""

from __future__ import annotations

from typing import Any

from scripts.dev.demo.stage import Scene, Stage

# Who does what, from the request up to the price.
STEPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("chitra", "accept_connection", {}),
    ("dev", "send_project_details", {"details": "One more reel"}),
    ("chitra", "accept_project", {}),
    ("dev", "send_price_offer", {"price": 2500}),
    ("chitra", "accept_price", {"price": 2500}),
)


async def leave(stage: Stage) -> None:
    """Chitra and Dev find to each other again."""
    clients = {name: person.client for name, person in stage.people.items()}
    bid = await clients["chitra"].call("create_bid", title="One reel", description="Of 30 seconds")
    opened = await clients["dev"].do("connect_bid", bid_id=bid["id"])
    stage.to_pay = opened["conversation"]["conversation_id"]
    for name, action, given in STEPS:
        answer = await clients[name].act(stage.to_pay, action, **given)
    state = answer["flow_update"]["new_state"]
    stage.tell("both", f"agree on ₹2,500 for one more reel → {state}, yours to pay")


UNPAID_DEAL: tuple[tuple[str, Scene], ...] = (("A deal that waits for its payment", leave),)
