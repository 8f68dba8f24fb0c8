"""What every route of Auth has in common: refusals, versions, CORS, failures."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.dev.local_supabase.config import Settings
from tests.local_supabase.auth.server import Auth, assert_refused, serving


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/token", {}, 400, "invalid_credentials"),
        ("/token?grant_type=pkce", {}, 501, "not_implemented"),
        ("/token?grant_type=password", {}, 400, "validation_failed"),
        ("/token?grant_type=password", {"phone": "+49"}, 400, "phone_provider_disabled"),
        ("/token?grant_type=refresh_token", {}, 400, "validation_failed"),
        ("/token?grant_type=refresh_token", {"refresh_token": 1}, 400, "validation_failed"),
        ("/token?grant_type=refresh_token", {"refresh_token": "x"}, 400, "refresh_token_not_found"),
        ("/otp", {}, 501, "not_implemented"),
        ("/recover", {}, 501, "not_implemented"),
    ],
)
def test_a_request_that_cannot_be_granted_says_why(
    auth: Auth, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    assert_refused(auth.call("POST", path, json=body), status, code)


def test_a_database_that_is_gone_is_an_answer_and_not_a_broken_connection(
    project: Settings,
) -> None:
    with serving(project) as running:
        token = running.sign_up()["access_token"]
        rename = "alter table auth.sessions rename to hidden"
        back = "alter table auth.hidden rename to sessions"
        running.query(rename, role="supabase_auth_admin")
        try:
            answer = running.call("GET", "/user", token)
        finally:
            running.query(back, role="supabase_auth_admin")
        assert_refused(answer, 500, "unexpected_failure")
        assert running.call("GET", "/user", token).status_code == 200


def test_a_browser_of_any_origin_may_call(auth: Auth) -> None:
    origin = {"Origin": "http://localhost:3000"}
    asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,apikey,x-client-info",
    }
    allowed = auth.call("OPTIONS", "/user", headers=origin | asked)
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    assert "x-client-info" in allowed.headers["Access-Control-Allow-Headers"]
    refused = auth.call("GET", "/user", "x", headers=origin)
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_a_project_with_a_shared_secret_publishes_no_keys(auth: Auth) -> None:
    assert auth.call("GET", "/.well-known/jwks.json").json() == {"keys": []}
    assert auth.call("GET", "/health").json()["name"] == "GoTrue"
    settings = auth.call("GET", "/settings").json()
    assert settings["mailer_autoconfirm"] is True
    assert settings["external"]["email"] is True
