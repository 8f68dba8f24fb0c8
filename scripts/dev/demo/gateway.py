"""Razorpay's stand-in on the stage: keys made up at each start, and what happens to payments."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from scripts.dev.demo.person import Json
from scripts.dev.razorpay_sandbox.client import SandboxClient
from scripts.dev.razorpay_sandbox.config import DEFAULT_ACCOUNT_ID
from scripts.dev.razorpay_sandbox.webhooks import sign
from webhooks.push.web_push import decode_base64url, encode_base64url, public_bytes

WEBHOOK_PATH = "/v1/webhooks/razorpay"
SIGNATURE = "X-Razorpay-Signature"


def make_keys(sandbox_url: str) -> dict[str, str]:
    """New keys, as settings of the app and of the sandbox, whatever else the environment says."""
    return {
        "APP_ENV": "development",
        "RAZORPAY_KEY_ID": f"rzp_test_{secrets.token_hex(7)}",
        "RAZORPAY_KEY_SECRET": secrets.token_urlsafe(24),
        "RAZORPAY_WEBHOOK_SECRET": secrets.token_urlsafe(24),
        "RAZORPAY_WEBHOOK_SECRET_PREVIOUS": "",
        "RAZORPAY_ACCOUNT_ID": DEFAULT_ACCOUNT_ID,
        "RAZORPAY_BASE_URL": sandbox_url,
    }


@dataclass(frozen=True)
class PushKeys:
    """This machine's identity for push services: a key for the app, and one for browsers."""

    settings: dict[str, str] = field(repr=False)
    public: str


def make_push_keys(file: Path) -> PushKeys:
    """The keys of this file, made at the first start: what subscribed to them stays subscribed."""
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        number = key.private_numbers().private_value
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "w") as output:
            output.write(encode_base64url(number.to_bytes(32)))
    text = file.read_text("utf-8")
    key = ec.derive_private_key(int.from_bytes(decode_base64url(text)), ec.SECP256R1())
    settings = {"VAPID_PRIVATE_KEY": text, "VAPID_SUBJECT": "mailto:demo@example.com"}
    return PushKeys(settings, encode_base64url(public_bytes(key.public_key())))


@dataclass(frozen=True)
class Gateway:
    """The running sandbox, and the app that it tells of payments."""

    sandbox: SandboxClient
    app: httpx.AsyncClient
    webhook_secret: str = field(repr=False)

    async def pay(self, order_id: str) -> str:
        """Somebody pays at the checkout; the payment's id, once the app has taken the webhooks."""
        paid = await asyncio.to_thread(self.sandbox.pay, order_id)
        payment_id: str = paid["razorpay_payment_id"]
        await self.arrives(payment_id)
        return payment_id

    async def fail(self, order_id: str) -> None:
        """The bank says no, and the app has taken the webhook."""
        said = await asyncio.to_thread(self.sandbox.fail, order_id)
        await self.arrives(said["error"]["metadata"]["payment_id"])

    async def pay_unheard(self, order_id: str) -> list[str]:
        """Somebody pays, and no webhook arrives; the names of those that are lost."""
        await asyncio.to_thread(self.sandbox.switches, webhooks={"lose": 100})
        paid = await asyncio.to_thread(self.sandbox.pay, order_id)
        query = {"until": paid["razorpay_payment_id"]}
        sent = await asyncio.to_thread(lambda: self.sandbox.deliveries(**query))
        await asyncio.to_thread(self.sandbox.reset_switches)
        return [event["event"] for event in sent["events"] if event["state"] == "lost"]

    async def repeat(self, subject: str) -> list[int]:
        """Send all webhooks about an id again; what the app answers to each."""
        before = await self.arrives(subject)
        for event in before["events"]:
            await asyncio.to_thread(self.sandbox.replay, event["id"])
        after = await self.arrives(subject)
        return [attempt["status"] for attempt in after["attempts"][len(before["attempts"]) :]]

    async def forge(self) -> httpx.Response:
        """The app's answer to a signed webhook with one changed byte."""
        body = b'{"entity":"event","event":"order.paid","payload":{}}'
        headers = {SIGNATURE: sign(body, self.webhook_secret)}
        return await self.app.post(
            WEBHOOK_PATH, content=body.replace(b"paid", b"pais"), headers=headers
        )

    async def arrives(self, subject: str, event: str | None = None) -> Json:
        """Wait until the app has taken the webhooks about an id (of one kind); how that went."""
        return await asyncio.to_thread(self.sandbox.wait_until_delivered, subject, event)


@asynccontextmanager
async def open_gateway(keys: Mapping[str, str], app: httpx.AsyncClient) -> AsyncIterator[Gateway]:
    """The sandbox that runs with these keys."""
    sandbox = SandboxClient(keys["RAZORPAY_BASE_URL"])
    try:
        yield Gateway(sandbox, app, keys["RAZORPAY_WEBHOOK_SECRET"])
    finally:
        sandbox.close()
