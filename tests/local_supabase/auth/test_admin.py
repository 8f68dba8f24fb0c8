"""The API of operators: who may use it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.local_supabase.auth.server import PASSWORD, Auth, assert_refused, new_email

NOBODY = "00000000-0000-0000-0000-000000000001"


def test_only_the_service_role_may_use_the_admin_api(auth: Auth) -> None:
    session = auth.sign_up()
    path = f"/admin/users/{session['user']['id']}"
    for token in (auth.anon_key, session["access_token"]):
        assert_refused(auth.call("POST", "/admin/users", token), 403, "not_admin")
        assert_refused(auth.call("DELETE", path, token), 403, "not_admin")
    assert auth.call("GET", "/user", session["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/admin/users", {"password": PASSWORD}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "id": "x"}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "email_confirm": 1}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "phone": "+49"}, 501, "not_implemented"),
        ("POST", "/admin/users", {"email": "a@b.c", "password": "x"}, 422, "weak_password"),
        (
            "POST",
            "/admin/users",
            {"email": "a@b.c", "password_hash": "$2a"},
            501,
            "not_implemented",
        ),
        (
            "POST",
            "/admin/users",
            {"email": "a@b.c", "password": PASSWORD, "password_hash": "$argon2id$"},
            400,
            "validation_failed",
        ),
        ("DELETE", f"/admin/users/{NOBODY}", None, 404, "user_not_found"),
        ("PUT", f"/admin/users/{NOBODY}", {}, 501, "not_implemented"),
        ("GET", "/admin/users", None, 501, "not_implemented"),
    ],
)
def test_an_operator_is_told_what_is_wrong(
    auth: Auth, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer = auth.call(method, path, auth.settings.api_key("service_role"), json=body)
    assert_refused(answer, status, code)


def test_a_user_who_comes_with_a_hash_signs_in_with_its_password(auth: Auth) -> None:
    email, hashed = new_email(), PasswordHasher(1, 8, 1).hash(PASSWORD)
    body = {"email": email, "password_hash": hashed, "email_confirm": True}
    made = auth.call("POST", "/admin/users", auth.settings.api_key("service_role"), json=body)
    assert made.status_code == 200
    assert auth.log_in(email).status_code == 200
    assert_refused(auth.log_in(email, f"{PASSWORD} "), 400, "invalid_credentials")


def test_an_email_that_somebody_has_cannot_be_taken(auth: Auth) -> None:
    taken = new_email()
    auth.sign_up(taken)
    key, mine = auth.settings.api_key("service_role"), auth.sign_up()
    body = {"email": taken.upper()}
    assert_refused(auth.call("POST", "/admin/users", key, json=body), 422, "email_exists")
    body = {"email": new_email(), "id": mine["user"]["id"]}
    assert_refused(auth.call("POST", "/admin/users", key, json=body), 422, "email_exists")
