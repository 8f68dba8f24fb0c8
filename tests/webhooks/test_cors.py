"""Browser pages of CORS_ORIGIN may call the routes for users; nobody else's may."""

from __future__ import annotations

import httpx
import pytest

from tests.webhooks.conftest import ORIGIN

ALLOW_ORIGIN = "Access-Control-Allow-Origin"


def preflight(http: httpx.Client, path: str, origin: str) -> httpx.Response:
    return http.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})


def test_a_preflight_of_a_listed_origin_needs_no_token(http: httpx.Client) -> None:
    answer = preflight(http, "/v1/session/cleanup", ORIGIN)
    assert answer.status_code == 200
    assert answer.headers[ALLOW_ORIGIN] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [ORIGIN, "https://other.example.com"])
def test_a_page_of_a_listed_origin_may_read_answers_and_refusals(
    http: httpx.Client, origin: str
) -> None:
    answer = http.post("/v1/session/cleanup", headers={"Origin": origin})
    assert answer.status_code == 401
    assert answer.headers[ALLOW_ORIGIN] == origin


@pytest.mark.parametrize("origin", ["https://evil.example.com", f"{ORIGIN}.evil.com", "null", ""])
def test_a_page_of_another_origin_may_not(http: httpx.Client, origin: str) -> None:
    assert ALLOW_ORIGIN not in preflight(http, "/v1/session/cleanup", origin).headers
    answer = http.post("/v1/session/cleanup", headers={"Origin": origin})
    assert ALLOW_ORIGIN not in answer.headers
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_routes_for_machines_are_for_no_page(http: httpx.Client, path: str) -> None:
    assert ALLOW_ORIGIN not in http.get(path, headers={"Origin": ORIGIN}).headers
    assert ALLOW_ORIGIN not in preflight(http, path, ORIGIN).headers


def test_a_preflight_of_an_unknown_address_is_not_found(http: httpx.Client) -> None:
    assert preflight(http, "/v1/nothing", ORIGIN).status_code == 404
