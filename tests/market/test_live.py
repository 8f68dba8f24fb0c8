"""A bid's and a campaign's channel on a running stack: who hears what becomes of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from examples.python.parley_client import ParleyError
from scripts.dev.demo.person import PATIENCE, Person
from tests.end_to_end.people import sdk_warnings, signed_in
from tests.market.scenes import WARES, Role
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


@pytest.fixture
def anyio_backend() -> str:
    """The SDKs know asyncio only."""
    return "asyncio"


async def join(stack: Stack, everyone: AsyncExitStack, role: Role) -> Person:
    """Somebody new with a profile."""
    person = await everyone.enter_async_context(signed_in(stack))
    await person.client.call("complete_profile", role=role, display_name=role.title())
    return person


async def listen(person: Person, topic: str) -> None:
    """Join a channel, as a client would that shows the bid or campaign."""
    await asyncio.wait_for(person.client._enter_topic(topic), PATIENCE)


async def test_the_owner_hears_that_it_closed_and_a_stranger_is_not_let_in(stack: Stack) -> None:
    for ware in WARES:
        async with AsyncExitStack() as everyone:
            owner = await join(stack, everyone, ware.owner_role)
            stranger = await join(stack, everyone, ware.owner_role)
            texts = {"title": "Three reels", ware.text: "For a tea house."}
            made = await owner.client.call(f"create_{ware.kind}", **texts)
            topic = f"{ware.kind}:{made['id']}"
            await listen(owner, topic)
            with pytest.raises(ParleyError) as refused:
                await listen(stranger, topic)
            assert refused.value.error_code == "CHANNEL_REFUSED"
            rows = await stranger.client.supabase.from_(f"{ware.kind}s").select("id").execute()
            assert {"id": made["id"]} in rows.data

            ware_id = {f"{ware.kind}_id": made["id"]}
            await owner.client.call(f"close_{ware.kind}", **ware_id)
            heard = await owner.hears(f"{ware.kind}_changed", **ware_id)
            assert (heard["status"], heard["conversations"]) == ("closed", 0)
            for person, seen in ((owner, [{"id": made["id"]}]), (stranger, [])):
                table = person.client.supabase.from_(f"{ware.kind}s")
                rows = await table.select("id").eq("id", made["id"]).execute()
                assert rows.data == seen
