"""Every failure has the one shape, and says nothing about how the app is made."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.webhooks.support import FakeSupabase, Gunicorn, close_app, settings, user_token
from webhooks.app import create_app
from webhooks.http.guards import GuardedBlueprint, anyone
from webhooks.http.request_hooks import MAX_BODY_BYTES


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body) == {"success", "message", "error_code", "details"}
    assert (body["success"], body["error_code"]) == (False, code)
    assert body["message"].endswith(".")
    assert isinstance(body["details"], dict)


def in_chunks(size: int) -> Iterator[bytes]:
    for start in range(0, size, 65536):
        yield b"x" * min(65536, size - start)


def test_an_unknown_address_is_not_found(http: httpx.Client) -> None:
    assert_refused(http.get("/v1/nothing"), 404, "NOT_FOUND")
    assert_refused(http.get("/v1//session/cleanup"), 404, "NOT_FOUND")


def test_no_header_moves_an_address(http: httpx.Client) -> None:
    moved = {"SCRIPT_NAME": "/v1"}
    assert_refused(http.get("/v1/healthz", headers=moved), 404, "NOT_FOUND")
    assert http.get("/healthz", headers=moved).status_code == 200


def test_another_method_is_told_which_ones_there_are(http: httpx.Client) -> None:
    answer = http.get("/v1/session/cleanup")
    assert_refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/session/cleanup"])
def test_a_large_body_is_refused_with_and_without_a_length(http: httpx.Client, path: str) -> None:
    assert_refused(http.post(path, content=b"x" * (MAX_BODY_BYTES + 1)), 413, "BODY_TOO_LARGE")
    assert_refused(http.post(path, content=in_chunks(MAX_BODY_BYTES + 1)), 413, "BODY_TOO_LARGE")
    assert_refused(http.post(path, content=in_chunks(4 * MAX_BODY_BYTES)), 413, "BODY_TOO_LARGE")


def test_a_body_of_the_very_limit_is_read(http: httpx.Client) -> None:
    assert_refused(http.post("/v1/nothing", content=b"x" * MAX_BODY_BYTES), 404, "NOT_FOUND")
    assert_refused(http.post("/v1/nothing", content=in_chunks(MAX_BODY_BYTES)), 404, "NOT_FOUND")


@pytest.mark.parametrize("chunk", [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n"])
def test_a_broken_body_is_a_bad_request(server: Gunicorn, chunk: bytes) -> None:
    head = b"POST /v1/session/cleanup HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"error_code":"BAD_REQUEST"' in answer


def test_what_nobody_foresaw_is_a_plain_500(caplog: pytest.LogCaptureFixture) -> None:
    blueprint = GuardedBlueprint("faulty", __name__, guard=anyone)

    @blueprint.get("/faulty")
    def fail() -> str:
        raise ZeroDivisionError("the secret is 42")

    app = create_app(settings("http://127.0.0.1:9"))
    app.register_blueprint(blueprint)
    answer = app.test_client().get("/faulty")
    close_app(app)
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["error_code"] == "INTERNAL"
    assert "42" not in answer.text
    assert "ZeroDivisionError" not in answer.text
    (record,) = [record for record in caplog.records if record.message == "unforeseen_error"]
    assert record.exc_info is not None


def test_a_fault_of_ours_in_the_database_is_a_plain_500(
    fake: FakeSupabase, http: httpx.Client
) -> None:
    missing = {
        "code": "PGRST202",
        "message": "Could not find public.login_cleanup",
        "details": None,
    }
    fake.on_rpc("login_cleanup", 404, missing)
    token = user_token(fake.url)
    answer = http.post("/v1/session/cleanup", headers={"Authorization": f"Bearer {token}"})
    assert_refused(answer, 500, "INTERNAL")
    assert "login_cleanup" not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/v1/nothing", "/v1/session/cleanup"])
def test_every_answer_names_its_request_and_stays_out_of_caches(
    http: httpx.Client, path: str
) -> None:
    ids = [http.get(path).headers["X-Request-Id"] for _ in range(2)]
    assert all(re.fullmatch(r"[0-9a-f]{32}", request_id) for request_id in ids)
    assert ids[0] != ids[1]
    headers = http.get(path, headers={"X-Request-Id": "from-the-proxy.1"}).headers
    assert headers["X-Request-Id"] == "from-the-proxy.1"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("given", ["short", "x" * 65, "white space", 'quote"quote', "<script>x"])
def test_a_request_id_that_is_not_sane_is_replaced(http: httpx.Client, given: str) -> None:
    answer = http.get("/healthz", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])
