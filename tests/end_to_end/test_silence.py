"""A server that drops every event, as Realtime does over its quota: the clients sync by time."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from examples.python.parley_client import ParleyClient
from scripts.dev.demo.person import Person
from tests.end_to_end.people import PASSWORD, needs_our_process, sdk_warnings, talking
from tests.support.node import run_node_tests
from tests.support.stacks import Stack

pytestmark = [needs_our_process, sdk_warnings]

# A row without an event is Realtime's own probe of the policies, which it rolls back.
DROP_EVENTS = """
create function public.drop_event() returns trigger language plpgsql as 'begin return null; end';
create trigger drop_events before insert on realtime.messages
for each row when (new.event is not null) execute function public.drop_event();
"""


@pytest.fixture(scope="module")
def silent_stack(stack: Stack) -> Iterator[Stack]:
    """The stack, with all events lost for a while."""
    superuser = stack.db_url.replace("//postgres:", "//supabase_admin:")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(DROP_EVENTS)
        yield stack
        connection.execute("drop function public.drop_event() cascade")


@pytest.mark.anyio
async def test_python_clients_have_what_was_sent_while_no_event_came(silent_stack: Stack) -> None:
    async with talking(silent_stack, quiet_after=0.3, quiet_most=0.6) as talk:
        other_device = await sign_in_again(silent_stack, talk.bharat)
        try:
            await other_device.client.start()
            before = other_device.texts()
            texts = []
            for number in range(10):
                for name, person in (("asha", talk.asha), ("bharat", talk.bharat)):
                    texts.append(f"{name} {number}")
                    await person.client.send(talk.id, texts[-1])
            for person in (talk.asha, talk.bharat):
                await person.hears_text(texts[-1])
                assert person.texts() == texts
                assert person.payloads("notification") == []
            # It waits for events, and there are none.
            assert other_device.texts() == before
        finally:
            await other_device.client.close()


async def sign_in_again(stack: Stack, person: Person) -> Person:
    """A second device, which does not sync by time."""
    session = await person.client.supabase.auth.get_session()
    assert session is not None
    assert session.user.email is not None
    client = await ParleyClient.sign_in(
        stack.api_url, stack.anon_key, session.user.email, PASSWORD, quiet_after=3600
    )
    return Person(client)


def test_javascript_clients_have_what_was_sent_while_no_event_came(silent_stack: Stack) -> None:
    run_node_tests("silence.test.mjs", silent_stack)
