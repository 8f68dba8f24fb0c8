"""One JSON line for each request, with the same keys always, and no secret in any."""

from __future__ import annotations

import json
import socket
import uuid
from datetime import datetime
from typing import Any

import httpx

from tests.webhooks.events import WEBHOOK_SECRETS
from tests.webhooks.support import (
    JWT_SECRET,
    RAZORPAY,
    USER_ID,
    FakeSupabase,
    Gunicorn,
    api_key,
    user_token,
)

KEYS = ["timestamp", "level", "service", "event", "conversation_id", "user_id", "message_type"]
KEYS += ["flow_state"]


def line_of(server: Gunicorn, request_id: str, event: str) -> dict[str, Any]:
    return server.wait_for(
        lambda line: line.get("request_id") == request_id and line["event"] == event
    )


def test_a_request_leaves_one_line_that_says_what_happened_to_whom(
    fake: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    fake.on_rpc("login_cleanup", body={"expired": 0})
    request_id = uuid.uuid4().hex
    token = user_token(fake.url)
    http.post(
        "/v1/session/cleanup?secret=1",
        headers={"Authorization": f"Bearer {token}", "X-Request-Id": request_id},
    )
    line = line_of(server, request_id, "request_finished")
    assert list(line)[: len(KEYS)] == KEYS
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert (line["level"], line["service"]) == ("info", "parley_webhooks")
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/session/cleanup", 200)
    assert (line["user_id"], line["conversation_id"]) == (USER_ID, None)
    assert line["duration_ms"] >= 0
    assert "secret=1" not in "".join(server.lines)


def test_a_failed_database_call_leaves_a_line_of_its_own(
    fake: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    fake.on_rpc("login_cleanup", 503, {"code": "PGRST001", "message": "at 10.0.0.7"})
    request_id = uuid.uuid4().hex
    token = user_token(fake.url)
    http.post(
        "/v1/session/cleanup",
        headers={"Authorization": f"Bearer {token}", "X-Request-Id": request_id},
    )
    line = line_of(server, request_id, "rpc_failed")
    assert (line["level"], line["function"], line["code"]) == ("error", "login_cleanup", "PGRST001")
    assert line_of(server, request_id, "request_finished")["status"] == 503


def test_gunicorns_own_lines_have_the_same_keys(server: Gunicorn) -> None:
    line = server.wait_for(lambda line: "Booting worker" in line.get("message", ""))
    assert list(line)[: len(KEYS)] == KEYS
    assert (line["event"], line["level"]) == ("gunicorn.error", "info")


def test_what_is_no_http_is_not_repeated(server: Gunicorn, http: httpx.Client) -> None:
    for sent in (
        b"a-text-of-this-test\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\na-text-of-this-test\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nAuthorization: a-text-of-this-test",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            connection.makefile("rb").read()
    last = uuid.uuid4().hex
    http.get("/healthz", headers={"X-Request-Id": last})
    line_of(server, last, "request_finished")
    said = {line.get("message") for line in map(json.loads, server.lines)}
    assert said >= {
        "Invalid request from ip=127.0.0.1: Invalid HTTP request line",
        "Invalid request from ip=127.0.0.1: Invalid HTTP Header",
        "Ignored premature client disconnection",
    }
    assert "a-text-of-this-test" not in "".join(server.lines)


def test_libraries_write_no_lines_about_single_calls(
    fake: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    fake.on_rpc("login_cleanup", body={})
    request_id = uuid.uuid4().hex
    headers = {"Authorization": f"Bearer {user_token(fake.url)}", "X-Request-Id": request_id}
    http.post("/v1/session/cleanup", headers=headers)
    line_of(server, request_id, "request_finished")
    about_it = [
        line for line in map(json.loads, server.lines) if line.get("request_id") == request_id
    ]
    assert [line["event"] for line in about_it] == ["request_finished"]


def test_even_at_debug_no_line_holds_a_token_a_key_or_a_secret(
    fake: FakeSupabase, server: Gunicorn, http: httpx.Client
) -> None:
    fake.on_rpc("login_cleanup", body={})
    last = uuid.uuid4().hex
    tokens = [user_token(fake.url), user_token(fake.url, aud="other"), "not.a.token"]
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}", "X-Request-Id": last}
        http.post("/v1/session/cleanup", headers=headers, content=b"the body of this test")
    server.wait_for(lambda line: line.get("request_id") == last and line.get("status") == 401)
    written = "".join(server.lines)
    assert '"level": "debug"' in written
    secrets = [
        *tokens,
        JWT_SECRET,
        api_key("anon"),
        api_key("service_role"),
        "the body of this test",
    ]
    secrets += [RAZORPAY["RAZORPAY_KEY_SECRET"], *WEBHOOK_SECRETS.values()]
    assert [secret for secret in secrets if secret in written] == []
