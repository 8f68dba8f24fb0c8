"""The Python client takes the steps of a deal: each once, whatever becomes of the answers."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from examples.python.parley_client import ParleyError
from scripts.dev.demo.person import Json, Person
from tests.end_to_end.people import sdk_warnings, signed_in
from tests.support.stacks import Stack

pytestmark = [pytest.mark.anyio, sdk_warnings]


@dataclass(frozen=True)
class Request:
    """Bharat's request for Asha's bid: the conversation, and the message that asks her."""

    asha: Person
    bharat: Person
    id: str
    asked: Json

    async def history(self) -> list[str]:
        """The actions of all steps taken so far."""
        steps = await self.asha.client.call("get_conversation_history", conversation_id=self.id)
        return [step["action"] for step in steps]


@asynccontextmanager
async def requesting(stack: Stack) -> AsyncIterator[Request]:
    """Asha and Bharat, who hear their own channel; she has heard that he asks."""
    async with AsyncExitStack() as everyone:
        asha = await everyone.enter_async_context(signed_in(stack))
        bharat = await everyone.enter_async_context(signed_in(stack))
        for role, person in {"influencer": asha, "brand_owner": bharat}.items():
            await person.client.call("complete_profile", role=role, display_name=role)
            await person.client.start()
        bid = await asha.client.call("create_bid", title="Posts", description="Three posts")
        opened = await bharat.client.do("connect_bid", bid_id=bid["id"], proposed_amount=5000)
        id_ = opened["conversation"]["conversation_id"]
        heard = await asha.hears("new_message", conversation_id=id_)
        yield Request(asha, bharat, id_, heard["message"])


def lose_next_answer(person: Person) -> list[int]:
    """Let the answer to the next step get lost on its way; the list has the status of each."""
    statuses: list[int] = []

    async def lose(response: httpx.Response) -> None:
        if not response.url.path.endswith(("/rpc/click_button", "/rpc/take_action")):
            return  # the client syncs beside it
        statuses.append(response.status_code)
        if len(statuses) == 1:
            raise httpx.ReadError("the connection broke")

    person.client.supabase.postgrest.session.event_hooks["response"].append(lose)
    return statuses


async def test_a_deal_is_played_with_what_the_client_was_sent(stack: Stack) -> None:
    async with requesting(stack) as request:
        asha, bharat = request.asha.client, request.bharat.client
        buttons = [button["id"] for button in request.asked["action_data"]["buttons"]]
        assert buttons == ["accept_connection", "reject_connection"]
        answer = await asha.click(request.asked, "accept_connection")
        assert answer["flow_update"]["new_state"] == "brand_owner_details"

        asked = await request.bharat.hears("notification", type="action_required")
        read = await bharat.call("get_messages", conversation_id=request.id)
        form = next(m for m in read if m["id"] == asked["data"]["message_id"])
        submit = form["action_data"]["submit_action"]
        await bharat.click(form, submit, details="Three posts about tea")

        actions = {a["action"]: a for a in await asha.available_actions(request.id)}
        assert "accept_project" in actions
        assert actions["request_details_change"]["schema"]["required"] == ["question"]
        answer = await asha.act(request.id, "request_details_change", question="Which tea?")
        assert answer["messages"][-1]["visible_to"] == "influencer"
        heard = await request.bharat.finds(
            lambda: next(
                (
                    p["message"]
                    for p in request.bharat.payloads("new_message")
                    if {"by": str(request.asha.client.user_id), "text": "Which tea?"}
                    == (p["message"]["action_data"] or {}).get("quote")
                ),
                None,
            )
        )
        assert heard["action_data"]["submit_action"] == submit
        assert await request.history() == [
            "connect_bid", "accept_connection", "send_project_details", "request_details_change",
        ]  # fmt: skip


@pytest.mark.parametrize("how", ["do", "act", "click"])
async def test_a_step_whose_answer_is_lost_is_taken_once(stack: Stack, how: str) -> None:
    async with requesting(stack) as request:
        client = request.asha.client
        statuses = lose_next_answer(request.asha)
        if how == "do":
            answer = await client.do(
                "click_button", conversation_id=request.id, button_id="accept_connection"
            )
        elif how == "act":
            answer = await client.act(request.id, "accept_connection")
        else:
            answer = await client.click(request.asked, "accept_connection")
        assert statuses == [200, 200]
        assert answer["flow_update"]["previous_state"] == "influencer_responding"
        assert answer["flow_update"]["new_state"] == "brand_owner_details"
        assert await request.history() == ["connect_bid", "accept_connection"]


async def test_a_step_given_again_after_a_restart_answers_as_the_first_time(stack: Stack) -> None:
    async with requesting(stack) as request:
        client, key = request.asha.client, str(uuid.uuid4())
        first = await client.act(request.id, "accept_connection", client_action_id=key)
        again = await client.act(request.id, "accept_connection", client_action_id=key)
        assert again["flow_update"] == first["flow_update"]
        assert [m["id"] for m in again["messages"]] == [m["id"] for m in first["messages"]]
        with pytest.raises(ParleyError) as refused:
            await client.act(request.id, "end_conversation", client_action_id=key)
        assert refused.value.error_code == "IDEMPOTENCY_MISMATCH"
        assert await request.history() == ["connect_bid", "accept_connection"]


async def test_what_was_decided_on_an_older_state_is_refused(stack: Stack) -> None:
    async with requesting(stack) as request:
        client = request.asha.client
        seen = await client.call("get_conversation_context", conversation_id=request.id)
        await client.act(request.id, "accept_connection", expected_version=seen["version"])
        with pytest.raises(ParleyError) as refused:
            await client.act(request.id, "end_conversation", expected_version=seen["version"])
        assert refused.value.error_code == "VERSION_CONFLICT"
        assert refused.value.details["version"] > seen["version"]


async def test_a_refused_press_has_the_seeds_shape(stack: Stack) -> None:
    async with requesting(stack) as request:
        client = request.asha.client
        await client.click(request.asked, "accept_connection")
        with pytest.raises(ParleyError) as refused:
            await client.click(request.asked, "reject_connection")
        said = refused.value.as_dict()
        assert set(said) == {"success", "message", "error_code", "details"}
        assert said["success"] is False
        assert said["error_code"] == "ACTION_ALREADY_COMPLETED"
        assert said["details"]["completed_action"] == "accept_connection"


async def test_a_sync_that_does_not_bring_what_was_heard_of_is_repeated(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with requesting(stack) as request:
        client = request.asha.client
        call, pages = client.call, list[Json]()

        async def call_too_early(function: str, **arguments: Any) -> Any:
            answer = await call(function, **arguments)
            if function == "sync":
                pages.append(answer)
                return answer if len(pages) > 2 else {**answer, "messages": []}
            return answer

        monkeypatch.setattr(client, "call", call_too_early)
        # Between the request and her receipt lies what Bharat is asked: a gap for her.
        answer = await client.act(request.id, "accept_connection")
        receipt = answer["messages"][-1]
        assert receipt["seq"] > request.asked["seq"] + 1
        heard = await request.asha.finds(
            lambda: next(
                (
                    payload
                    for payload in request.asha.payloads("new_message")
                    if payload["message"]["id"] == receipt["id"]
                ),
                None,
            )
        )
        assert heard["message"]["message"] == receipt["message"]
        assert len(pages) == 3
