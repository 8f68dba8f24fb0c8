"""The synchronous SDK: the same chat without Realtime, and what each refusal looks like in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from postgrest import APIError
from supabase import Client, ClientOptions, create_client

from tests.end_to_end.people import PASSWORD, make_user
from tests.support.stacks import Stack


@dataclass(frozen=True)
class Person:
    """A signed-in synchronous client."""

    client: Client
    id: str

    def call(self, function: str, **arguments: Any) -> Any:
        """Call an RPC; raises APIError."""
        return self.client.rpc(function, arguments).execute().data

    @contextmanager
    def refused(self, code: str, **details: Any) -> Iterator[None]:
        """Expect the block to be refused with this code and these details."""
        with pytest.raises(APIError) as refused:
            yield
        assert refused.value.code == code
        assert refused.value.message
        if details:
            given = json.loads(refused.value.details or "")
            assert {name: given.get(name) for name in details} == details


@pytest.fixture
def people(stack: Stack) -> Iterator[tuple[Person, Person, Person]]:
    """Asha, Bharat and Chitra, signed in."""
    with httpx.Client(timeout=20) as http:
        everyone = []
        for _ in range(3):
            client = create_client(
                stack.api_url,
                stack.anon_key,
                ClientOptions(httpx_client=http, auto_refresh_token=False),
            )
            credentials = {"email": make_user(stack), "password": PASSWORD}
            answer = client.auth.sign_in_with_password(credentials)  # type: ignore[arg-type]
            assert answer.user is not None
            everyone.append(Person(client, answer.user.id))
        asha, bharat, chitra = everyone
        yield asha, bharat, chitra


def test_a_whole_chat_without_realtime(people: tuple[Person, Person, Person]) -> None:
    asha, bharat, _ = people
    profile = asha.call("complete_profile", role="influencer", display_name="Asha")
    assert profile["role"] == "influencer"
    talk = asha.call("direct_connect", target_user_id=bharat.id)["conversation"]["conversation_id"]
    sent = asha.call("send_message", conversation_id=talk, message="Namaste")["message"]
    assert sent["status"] == "sent"

    listed = bharat.call("get_conversations", filter="unread")["conversations"]
    assert [(c["conversation_id"], c["unread_count"]) for c in listed] == [(talk, 1)]
    assert listed[0]["other_party"]["display_name"] == "Asha"
    page = bharat.call("sync")
    assert [m["message"] for m in page["messages"]] == ["Conversation started", "Namaste"]
    assert bharat.call("sync", known={talk: 2})["messages"] == []
    assert bharat.call("mark_read", conversation_id=talk)["unread_count"] == 0
    rows: Any = asha.client.table("messages").select("*").eq("conversation_id", talk).execute().data
    assert {row["seq"] for row in rows} == {1, 2}


def test_a_stranger_reads_and_writes_nothing(people: tuple[Person, Person, Person]) -> None:
    asha, bharat, chitra = people
    talk = asha.call("direct_connect", target_user_id=bharat.id)["conversation"]["conversation_id"]
    for function, more in (
        ("send_message", {"message": "hi"}),
        ("get_messages", {}),
        ("get_conversation_context", {}),
        ("mark_read", {}),
        ("mark_delivered", {}),
    ):
        with chitra.refused("CONVERSATION_NOT_FOUND"):
            chitra.call(function, conversation_id=talk, **more)
        with chitra.refused("CONVERSATION_NOT_FOUND"):
            chitra.call(function, conversation_id=str(uuid.uuid4()), **more)
    for table in ("messages", "conversations"):
        assert asha.client.table(table).select("*").execute().data
        assert chitra.client.table(table).select("*").execute().data == []


def test_nobody_writes_to_a_table(people: tuple[Person, Person, Person]) -> None:
    asha, bharat, _ = people
    talk = asha.call("direct_connect", target_user_id=bharat.id)["conversation"]["conversation_id"]
    row = {"conversation_id": talk, "seq": 9, "message": "forged", "sender_id": bharat.id}
    with asha.refused("42501"):
        asha.client.table("messages").insert(row).execute()
    with asha.refused("42501"):
        asha.client.table("messages").update({"message": "edited"}).eq("seq", 1).execute()
    with asha.refused("42501"):
        asha.client.table("messages").delete().eq("seq", 1).execute()


def test_each_refusal_of_a_message_has_its_code_and_details(
    people: tuple[Person, Person, Person],
) -> None:
    asha, bharat, _ = people
    talk = asha.call("direct_connect", target_user_id=bharat.id)["conversation"]["conversation_id"]
    with asha.refused("MESSAGE_EMPTY"):
        asha.call("send_message", conversation_id=talk, message="  ")
    with asha.refused("MESSAGE_TOO_LONG", length=100_000):
        asha.call("send_message", conversation_id=talk, message="x" * 100_000)
    with asha.refused("MEDIA_INVALID"):
        asha.call("send_message", conversation_id=talk, media_url="http://127.0.0.1/a.png")
    with asha.refused("MESSAGE_NOT_FOUND"):
        asha.call("send_message", conversation_id=talk, message="x", reply_to=str(uuid.uuid4()))
    with asha.refused("SELF_CONVERSATION"):
        asha.call("direct_connect", target_user_id=asha.id)
    with asha.refused("USER_NOT_FOUND"):
        asha.call("direct_connect", target_user_id=str(uuid.uuid4()))
    with asha.refused("INPUT_INVALID", field="role"):
        asha.call("complete_profile", role="admin", display_name="Asha")
    asha.call("complete_profile", role="influencer", display_name="Asha")
    with asha.refused("PROFILE_LOCKED"):
        asha.call("complete_profile", role="brand_owner", display_name="Asha")
    with asha.refused("PGRST202"):
        asha.call("send_message", conversation=talk)
    with asha.refused("22P02"):
        asha.call("send_message", conversation_id="not a uuid")
