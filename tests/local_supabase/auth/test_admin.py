"""The API of operators: who may use it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_supabase.auth.server import PASSWORD, Auth, assert_refused, new_email


def test_only_the_service_role_may_use_the_admin_api(auth: Auth) -> None:
    session = auth.sign_up()
    path = f"/admin/users/{session['user']['id']}"
    for token in (auth.anon_key, session["access_token"]):
        for method, where in (("GET", "/admin/users"), ("POST", "/admin/users")):
            assert_refused(auth.call(method, where, token), 403, "not_admin")
        for method in ("GET", "PUT", "DELETE"):
            assert_refused(auth.call(method, path, token), 403, "not_admin")
    assert auth.call("GET", "/user", session["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/admin/users", {"password": PASSWORD}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "id": "x"}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "email_confirm": 1}, 400, "validation_failed"),
        ("POST", "/admin/users", {"email": "a@b.c", "phone": "+49"}, 501, "not_implemented"),
        ("POST", "/admin/users", {"email": "a@b.c", "password": "x"}, 422, "weak_password"),
        ("POST", "/admin/users", {"email": "a@b.c", "ban_duration": "soon"}, 400, None),
        ("POST", "/admin/users", {"email": "a@b.c", "ban_duration": "1h1h"}, 400, None),
        ("PUT", "/admin/users/x", {}, 404, "validation_failed"),
        ("PUT", "/admin/users/00000000-0000-0000-0000-000000000001", {}, 404, "user_not_found"),
        ("GET", "/admin/users?page=0", None, 400, "validation_failed"),
        ("GET", "/admin/users?per_page=many", None, 400, "validation_failed"),
        ("GET", "/admin/users?filter=a", None, 501, "not_implemented"),
    ],
)
def test_an_operator_is_told_what_is_wrong(
    auth: Auth, method: str, path: str, body: Any, status: int, code: str | None
) -> None:
    answer = auth.call(method, path, auth.settings.api_key("service_role"), json=body)
    assert_refused(answer, status, code or "validation_failed")


def test_an_email_that_somebody_has_cannot_be_taken(auth: Auth) -> None:
    taken = new_email()
    auth.sign_up(taken)
    key, mine = auth.settings.api_key("service_role"), auth.sign_up()
    body = {"email": taken.upper()}
    path = f"/admin/users/{mine['user']['id']}"
    assert_refused(auth.call("PUT", "/user", mine["access_token"], json=body), 422, "email_exists")
    assert_refused(auth.call("PUT", path, key, json=body), 422, "email_exists")
    assert_refused(auth.call("POST", "/admin/users", key, json=body), 422, "email_exists")
    body = {"email": new_email(), "id": mine["user"]["id"]}
    assert_refused(auth.call("POST", "/admin/users", key, json=body), 422, "email_exists")


def test_the_list_of_users_tells_the_total_and_the_pages(auth: Auth) -> None:
    for _ in range(3):
        auth.sign_up()
    key = auth.settings.api_key("service_role")
    answer = auth.call("GET", "/admin/users?page=1&per_page=2", key)
    total = int(answer.headers["X-Total-Count"])
    assert len(answer.json()["users"]) == 2
    last = (total + 1) // 2
    assert answer.headers["Link"] == (
        '</admin/users?page=2&per_page=2>; rel="next", '
        f'</admin/users?page={last}&per_page=2>; rel="last"'
    )
    at_end = auth.call("GET", f"/admin/users?page={last}&per_page=2", key)
    assert at_end.headers["Link"] == f'</admin/users?page={last}&per_page=2>; rel="last"'
