"""The app under gunicorn between a running stack and a sandbox of Razorpay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from scripts.dev.demo.person import Json, Person
from scripts.dev.razorpay_sandbox.client import (
    KEY_ID,
    KEY_SECRET,
    WEBHOOK_SECRET,
    SandboxClient,
    running_sandbox,
)
from tests.end_to_end.people import service_headers, signed_in
from tests.support.stacks import Stack, free_port
from tests.webhooks.support import running_gunicorn


@dataclass(frozen=True)
class Payments:
    """A stack whose deals can be paid: through the app, with the sandbox in Razorpay's place."""

    stack: Stack
    app_url: str
    sandbox: SandboxClient

    def signed_in(self, *, has_two_devices: bool = False) -> AbstractAsyncContextManager[Person]:
        """A new person whose client knows the app."""
        return signed_in(self.stack, has_two_devices=has_two_devices, app_url=self.app_url)

    async def pay(self, payer: Person, conversation_id: str) -> Json:
        """Pay a deal at the checkout; what checkout gives the page, once the webhooks are taken."""
        config = await payer.client.pay(conversation_id)
        paid = await asyncio.to_thread(self.sandbox.pay, config["order_id"])
        await self.arrives(paid["razorpay_payment_id"])
        return paid

    async def arrives(self, subject: str, event: str | None = None) -> Json:
        """Wait until the webhooks about an id (of one kind) are taken; how that went."""
        return await asyncio.to_thread(self.sandbox.wait_until_delivered, subject, event)

    async def diagnose(self, conversation_id: str) -> Json:
        """All that the books have about a deal's money."""
        async with httpx.AsyncClient(timeout=20) as http:
            answer = await http.post(
                f"{self.stack.api_url}/rest/v1/rpc/diagnose_conversation",
                headers=service_headers(self.stack),
                json={"conversation_id": conversation_id},
            )
        answer.raise_for_status()
        found: Json = answer.json()
        return found

    @asynccontextmanager
    async def switched(self, **sections: Any) -> AsyncIterator[None]:
        """Let something go wrong in the sandbox for a while."""
        await asyncio.to_thread(self.sandbox.switches, **sections)
        try:
            yield
        finally:
            await asyncio.to_thread(self.sandbox.reset_switches)


@contextmanager
def running_payments(stack: Stack, **settings: str) -> Iterator[Payments]:
    """The app and the sandbox on free ports, with each other's address; more settings by name."""
    app_port = free_port()
    app_url = f"http://127.0.0.1:{app_port}"
    with running_sandbox(f"{app_url}/v1/webhooks/razorpay", first_pause=0.05) as sandbox:
        environment = {
            "SUPABASE_URL": stack.api_url,
            "SUPABASE_ANON_KEY": stack.anon_key,
            "SUPABASE_SERVICE_ROLE_KEY": stack.service_role_key,
            "SUPABASE_JWT_SECRET": stack.jwt_secret,
            "RAZORPAY_KEY_ID": KEY_ID,
            "RAZORPAY_KEY_SECRET": KEY_SECRET,
            "RAZORPAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "RAZORPAY_BASE_URL": sandbox.url,
            **settings,
        }
        with running_gunicorn(environment, app_port):
            yield Payments(stack, app_url, sandbox)
