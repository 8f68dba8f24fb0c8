"""What the Python client does by itself, and what its failures look like."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from examples.python.parley_client import ParleyClient, ParleyError
from scripts.dev.demo.person import Json
from tests.end_to_end.people import PASSWORD, make_user, sdk_warnings, signed_in, talking
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


async def refused(asked: Awaitable[Any]) -> Json:
    """The refusal in the form that the app uses as well; it is always whole."""
    with pytest.raises(ParleyError) as caught:
        await asked
    said = caught.value.as_dict()
    assert list(said) == ["success", "message", "error_code", "details"]
    assert said["success"] is False
    assert said["message"]
    assert isinstance(said["details"], dict)
    return said


async def test_the_sender_sees_the_second_tick_as_soon_as_the_other_has_heard(
    stack: Stack,
) -> None:
    async with talking(stack) as talk:
        sent = (await talk.asha.client.send(talk.id, "there?"))["message"]
        assert sent["status"] == "sent"
        told = await talk.asha.hears("message_delivered", message_id=sent["id"])
        assert (told["user_id"], told["seq"]) == (talk.bharat.id, sent["seq"])
        (newest, *_) = await talk.asha.client.call("get_messages", conversation_id=talk.id)
        assert (newest["id"], newest["status"]) == (sent["id"], "delivered")


async def test_what_was_heard_is_marked_as_delivered_in_batches(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(stack, delivered_after=3) as talk:
        client, marked = talk.bharat.client, list[int]()
        call = client.call

        async def note(function: str, **arguments: Any) -> Any:
            if function == "mark_delivered":
                marked.append(arguments["up_to_seq"])
            return await call(function, **arguments)

        monkeypatch.setattr(client, "call", note)
        for text in ("one", "two", "three"):
            last = (await talk.asha.client.send(talk.id, text))["message"]["seq"]
        await talk.asha.hears("message_delivered", seq=last)
        assert marked[-1] == last
        assert len(marked) < 3  # the greeting may have begun an earlier one


async def test_started_twice_is_started_once_and_after_a_stop_it_starts_again(
    stack: Stack,
) -> None:
    async with talking(stack) as talk:
        client = talk.bharat.client
        await asyncio.gather(client.start(), client.start())
        await talk.asha.client.send(talk.id, "once")
        await talk.bharat.hears_text("once")
        assert len(client.supabase.get_channels()) == 1

        await client.stop()
        await talk.asha.client.send(talk.id, "meanwhile")
        await asyncio.gather(client.start(), client.start())
        await talk.bharat.hears_text("meanwhile")
        await talk.asha.client.send(talk.id, "again")
        await talk.bharat.hears_text("again")
        assert talk.bharat.texts() == ["once", "meanwhile", "again"]


async def test_signing_in_has_done_what_was_due(stack: Stack) -> None:
    async with signed_in(stack) as asha:
        assert (await asha.client.clean_up())["throttled"] is True


async def test_what_is_known_already_is_not_brought_again(stack: Stack) -> None:
    async with talking(stack) as talk, signed_in(stack) as device:
        await talk.asha.client.send(talk.id, "before")
        # Another device of Asha's, which has just read her inbox.
        device.client.supabase = talk.asha.client.supabase
        device.client.user_id = talk.asha.id
        inbox = await device.client.call("get_conversations")
        device.client.remember(inbox["conversations"])
        await device.client.sync()
        assert device.payloads("new_message") == []
        await talk.bharat.client.send(talk.id, "after")
        await device.client.sync()
        assert device.texts() == ["after"]


async def test_without_the_address_of_the_app_paying_is_refused_at_once(stack: Stack) -> None:
    async with signed_in(stack) as asha:
        for asked in (
            asha.client.pay("x"),
            asha.client.refresh_payment("x"),
            asha.client.confirm_payment("x", {}),
        ):
            said = await refused(asked)
            assert said["error_code"] == "APP_UNKNOWN"
            assert "app_url" in said["message"]


async def test_what_the_platform_and_the_network_refuse_has_the_same_shape(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enter(url: str, password: str) -> Awaitable[ParleyClient]:
        return ParleyClient.sign_in(url, stack.anon_key, email, password)

    email = make_user(stack)
    assert (await refused(enter(stack.api_url, "wrong")))["error_code"] == "invalid_credentials"
    assert (await refused(enter("http://127.0.0.1:9", PASSWORD)))["error_code"] == "NETWORK"

    async with signed_in(stack) as asha:
        client = asha.client
        misspelt = await refused(client.call("send_massage"))
        assert misspelt["error_code"] == "PGRST202"
        assert misspelt["details"]["reason"]
        cast = await refused(client.call("get_messages", conversation_id="no uuid"))
        assert cast["error_code"] == "22P02"

        async def breaks(*_: Any, **__: Any) -> httpx.Response:
            raise httpx.ReadError("the connection broke")

        monkeypatch.setattr(client.supabase.postgrest.session, "request", breaks)
        assert (await refused(client.call("get_quota")))["error_code"] == "NETWORK"


async def test_without_an_app_that_answers_calls_have_the_shape_too(stack: Stack) -> None:
    async with signed_in(stack, app_url="http://127.0.0.1:9") as asha:
        assert (await refused(asha.client.call_app("/healthz")))["error_code"] == "NETWORK"
