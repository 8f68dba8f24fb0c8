"""The routes for machines: up, ready, and counting."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from tests.webhooks.support import Answer, FakeSupabase, close_app, settings, user_token
from webhooks.app import create_app


@pytest.fixture
def jwks_client(fake: FakeSupabase) -> Iterator[FlaskClient]:
    """A client of an app whose project signs with asymmetric keys."""
    app = create_app(settings(fake.url, SUPABASE_JWT_SECRET=""))
    yield app.test_client()
    close_app(app)


def counted(http: httpx.Client, sample: str, **labels: str) -> float:
    """The present value of one sample; 0 when it has never been counted."""
    answer = http.get("/metrics")
    assert answer.status_code == 200
    return sum(
        found.value
        for family in text_string_to_metric_families(answer.text)
        for found in family.samples
        if found.name == sample and found.labels == labels
    )


def test_healthz_depends_on_nothing(fake: FakeSupabase, http: httpx.Client) -> None:
    answer = http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert fake.received == []


def test_readyz_is_ready_when_the_database_answers(fake: FakeSupabase, http: httpx.Client) -> None:
    fake.answers["/rest/v1/users"] = Answer(200, [])
    answer = http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_readyz_names_the_part_that_failed(fake: FakeSupabase, http: httpx.Client) -> None:
    fake.answers["/rest/v1/users"] = Answer(503, {"code": "PGRST001", "message": "at 10.0.0.7"})
    answer = http.get("/readyz")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "SERVICE_UNAVAILABLE")
    assert answer.json()["details"] == {"failed": ["database"]}
    assert int(answer.headers["Retry-After"]) > 0
    assert "10.0.0.7" not in answer.text


def test_readyz_needs_the_signing_keys_of_a_project_that_has_some(
    fake: FakeSupabase, jwks_client: FlaskClient
) -> None:
    fake.answers["/rest/v1/users"] = Answer(200, [])
    answer = jwks_client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["details"] == {"failed": ["signing_keys"]}


def test_requests_are_counted_over_all_workers(http: httpx.Client, server: object) -> None:
    labels = {"endpoint": "unmatched", "status": "404"}
    before = counted(http, "parley_http_requests_total", **labels)
    timed = counted(http, "parley_http_request_seconds_count", endpoint="unmatched")
    for _ in range(20):
        # A new connection each time, so that both workers get some.
        httpx.get(http.base_url.join("/v1/nothing"))
    assert counted(http, "parley_http_requests_total", **labels) == before + 20
    assert counted(http, "parley_http_request_seconds_count", endpoint="unmatched") == timed + 20


def test_failed_database_calls_are_counted_by_code(fake: FakeSupabase, http: httpx.Client) -> None:
    fake.on_rpc("login_cleanup", 403, {"code": "FORBIDDEN", "message": "No.", "details": None})
    labels = {"function": "login_cleanup", "code": "FORBIDDEN"}
    before = counted(http, "parley_rpc_errors_total", **labels)
    token = user_token(fake.url)
    http.post("/v1/session/cleanup", headers={"Authorization": f"Bearer {token}"})
    assert counted(http, "parley_rpc_errors_total", **labels) == before + 1
