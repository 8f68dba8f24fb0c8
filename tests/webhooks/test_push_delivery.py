"""From a message to a device: SDK, database, the app under gunicorn, a push service over TLS."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
from supabase import Client, create_client
from supabase.lib.client_options import SyncClientOptions

from tests.support.stacks import Stack, free_port
from tests.webhooks.push_service import Browser, PushService, running_push_service
from tests.webhooks.support import VAPID, Gunicorn, client_of, running_gunicorn, wait_until

TEXT = "a text that no push service may see"


def environment(stack: Stack, **more: str) -> dict[str, str]:
    return {
        "SUPABASE_URL": stack.api_url,
        "SUPABASE_ANON_KEY": stack.anon_key,
        "SUPABASE_SERVICE_ROLE_KEY": stack.service_role_key,
        "SUPABASE_JWT_SECRET": stack.jwt_secret,
        **more,
    }


@pytest.fixture(scope="module")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    with running_push_service(tmp_path_factory.mktemp("push")) as running:
        yield running


@pytest.fixture
def service(_service: PushService) -> PushService:
    """The push service of the receiver's browser, which takes what it is handed."""
    _service.reset()
    return _service


@pytest.fixture(scope="module")
def _app(stack: Stack, _service: PushService) -> Iterator[Gunicorn]:
    certificate = str(_service.certificate)
    settings = environment(stack, PUSH_ALLOW_LOOPBACK="true", SSL_CERT_FILE=certificate, **VAPID)
    with running_gunicorn(settings, free_port()) as running:
        yield running


@pytest.fixture
def app(_app: Gunicorn) -> Gunicorn:
    """The app on the stack, which may push to this machine; what it wrote is forgotten.

    Each test waits for its rounds, so none is heard of in the next.
    """
    _app.lines.clear()
    return _app


@pytest.fixture
def http(app: Gunicorn) -> Iterator[httpx.Client]:
    """A client of the app."""
    with httpx.Client(base_url=app.url, timeout=20) as client:
        yield client


class Person(NamedTuple):
    """Somebody who has signed in."""

    id: str
    access_token: str
    client: Client

    def call(self, function: str, **arguments: Any) -> Any:
        """Call an RPC."""
        return self.client.rpc(function, arguments).execute().data


class Talk(NamedTuple):
    """Asha's chat with Bharat, whose browser takes pushes at `path` of the push service."""

    id: str
    asha: Person
    bharat: Person
    browser: Browser
    path: str

    def send(self) -> str:
        """Asha writes; the id of her message."""
        sent = self.asha.call(
            "send_message",
            conversation_id=self.id,
            message=TEXT,
            client_message_id=str(uuid.uuid4()),
        )
        return str(sent["message"]["id"])


def sign_up(stack: Stack, http: httpx.Client) -> Person:
    options = SyncClientOptions(httpx_client=http, auto_refresh_token=False)
    client = create_client(stack.api_url, stack.anon_key, options)
    answer = client.auth.sign_up(
        {"email": f"{uuid.uuid4().hex}@example.com", "password": uuid.uuid4().hex}
    )
    assert answer.user is not None
    assert answer.session is not None
    return Person(answer.user.id, answer.session.access_token, client)


@pytest.fixture
def talk(stack: Stack, service: PushService) -> Iterator[Talk]:
    """A chat in which nothing has been said; what was queued before is out of the way."""
    query(stack, "delete from private.push_outbox")
    browser, path = Browser(), f"/{uuid.uuid4()}"
    public = f"https://push.example.com{path}"
    with httpx.Client(timeout=20) as http:
        asha, bharat = sign_up(stack, http), sign_up(stack, http)
        bharat.call("register_push_token", kind="web_push", token=public, keys=browser.keys)
        # Only public hosts can be registered; this one is moved to the service of the test.
        local = service.url + path
        query(stack, "update private.push_tokens set token = %s where token = %s", local, public)
        opened = asha.call("direct_connect", target_user_id=bharat.id)
        yield Talk(opened["conversation"]["conversation_id"], asha, bharat, browser, path)
    query(stack, "delete from private.push_tokens where token = %s", local)


def query(stack: Stack, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Look behind, as `postgres`."""
    with closing(psycopg.connect(stack.db_url, autocommit=True)) as connection:
        cursor = connection.execute(sql.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def attempts(stack: Stack, talk: Talk) -> list[int]:
    """How often each push of the device was tried that still waits."""
    rows = query(
        stack,
        "select o.attempts from private.push_outbox as o"
        " join private.push_tokens as t on t.id = o.push_token_id where t.token like %s",
        f"%{talk.path}",
    )
    return [number for (number,) in rows]


def has_token(stack: Stack, talk: Talk) -> bool:
    sql = "select id from private.push_tokens where token like %s"
    return bool(query(stack, sql, f"%{talk.path}"))


def clean_up(http: httpx.Client, person: Person) -> None:
    """What a client does at login; it must not fail, whatever becomes of the pushes."""
    headers = {"Authorization": f"Bearer {person.access_token}"}
    answer = http.post("/v1/session/cleanup", headers=headers)
    assert (answer.status_code, set(answer.json()) >= {"expired", "scrubbed"}) == (200, True)


def wait_for_rounds(app: Gunicorn, **outcomes: int) -> None:
    """Wait until all rounds of the test together came to these outcomes and no other."""

    def logged() -> Counter[str]:
        lines = [json.loads(line) for line in list(app.lines)]
        rounds = (line["outcomes"] for line in lines if line["event"] == "pushes_drained")
        return sum(map(Counter, rounds), Counter())

    wait_until(lambda: logged() == outcomes)


def sent_pushes(http: httpx.Client) -> float:
    """How many pushes the app has counted as sent."""
    counted = 'parley_pushes_total{kind="web_push",result="sent"} '
    lines = http.get("/metrics").text.splitlines()
    return sum(float(line.removeprefix(counted)) for line in lines if line.startswith(counted))


def test_a_message_reaches_the_receivers_device_with_ids_only(
    stack: Stack, app: Gunicorn, http: httpx.Client, service: PushService, talk: Talk
) -> None:
    before = sent_pushes(http)
    message_id = talk.send()
    clean_up(http, talk.bharat)
    pushed = service.next()
    said = talk.browser.read(pushed)
    assert (pushed.path, said["type"]) == (talk.path, "message")
    assert (said["data"]["conversation_id"], said["data"]["message_id"]) == (talk.id, message_id)
    assert TEXT not in str(said)
    wait_for_rounds(app, sent=1)
    assert (attempts(stack, talk), has_token(stack, talk)) == ([], True)
    assert sent_pushes(http) == before + 1


def test_many_touches_of_both_workers_send_each_push_once(
    stack: Stack, app: Gunicorn, http: httpx.Client, service: PushService, talk: Talk
) -> None:
    sent = {talk.send() for _ in range(12)}
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(clean_up, http, talk.bharat) for _ in range(6)]:
            done.result()
    arrived = [talk.browser.read(service.next())["data"]["message_id"] for _ in sent]
    assert sorted(arrived) == sorted(sent)
    talk.send()
    clean_up(http, talk.bharat)
    service.next()
    wait_for_rounds(app, sent=13)
    assert service.received.empty()


def test_a_round_starts_with_anybodys_cleanup_and_with_the_readiness_probe(
    app: Gunicorn, http: httpx.Client, service: PushService, talk: Talk
) -> None:
    talk.send()
    clean_up(http, talk.asha)
    service.next()
    talk.send()
    assert http.get("/readyz").json() == {"status": "ready"}
    service.next()
    wait_for_rounds(app, sent=2)


def test_a_device_that_is_gone_is_forgotten(
    stack: Stack, app: Gunicorn, http: httpx.Client, service: PushService, talk: Talk
) -> None:
    service.status = 410
    talk.send()
    assert has_token(stack, talk)
    clean_up(http, talk.bharat)
    wait_for_rounds(app, gone=1)
    assert (attempts(stack, talk), has_token(stack, talk)) == ([], False)


def test_a_push_service_that_fails_leaves_the_push_queued(
    stack: Stack, app: Gunicorn, http: httpx.Client, service: PushService, talk: Talk
) -> None:
    service.status = 503
    talk.send()
    clean_up(http, talk.bharat)
    wait_for_rounds(app, failed=1)
    assert (attempts(stack, talk), has_token(stack, talk)) == ([1], True)
    # Not due again for a minute, unless time passes.
    query(stack, "update private.push_outbox set due_at = now()")
    service.status = 201
    clean_up(http, talk.bharat)
    wait_for_rounds(app, failed=1, sent=1)
    assert attempts(stack, talk) == []


def test_the_answer_does_not_wait_for_the_push_service(
    stack: Stack, app: Gunicorn, http: httpx.Client, service: PushService, talk: Talk
) -> None:
    service.release.clear()
    talk.send()
    clean_up(http, talk.bharat)  # answered while the push service still holds back
    service.next()
    assert attempts(stack, talk) == [1]
    service.release.set()
    wait_for_rounds(app, sent=1)


def test_without_vapid_pushes_stay_queued_and_nothing_is_wrong(stack: Stack, talk: Talk) -> None:
    talk.send()
    with client_of(environment(stack)) as http:
        clean_up(http, talk.bharat)
        answer = http.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    assert attempts(stack, talk) == [0]


def test_no_line_holds_the_key_the_endpoint_or_the_devices_keys(
    app: Gunicorn, http: httpx.Client, service: PushService, talk: Talk
) -> None:
    service.status = 500
    talk.send()
    clean_up(http, talk.bharat)
    authorization = service.next().headers["authorization"]
    app.wait_for(lambda line: line["event"] == "push_failed" and line["status"] == 500)
    wait_for_rounds(app, failed=1)
    written = "".join(app.lines)
    secrets = [VAPID["VAPID_PRIVATE_KEY"], talk.path, authorization, *talk.browser.keys.values()]
    assert [secret for secret in secrets if secret in written] == []
