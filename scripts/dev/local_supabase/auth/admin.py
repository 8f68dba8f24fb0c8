"""What the holder of the service key may do with users: /admin/users."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from psycopg.rows import DictRow
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scripts.dev.local_supabase.auth import forms, sessions, tokens, users
from scripts.dev.local_supabase.auth.context import context_of, require_admin
from scripts.dev.local_supabase.auth.errors import ApiError

MAX_PER_PAGE = 1000


async def create_user(request: Request) -> Response:
    """POST /admin/users: a new user, without a session."""
    context, body = require_admin(request), await forms.read_body(request)
    email = forms.email_of(body)
    forms.refuse(body, "phone", "phone_confirm", "password_hash")
    if not email:
        raise forms.invalid("Cannot create a user without either an email or phone")
    chosen = forms.text_of(body, "id")
    bad_id = forms.invalid("ID must conform to the uuid v4 format")
    user_id = forms.uuid_of(chosen, bad_id) if chosen else uuid4()
    # Without a password nobody can sign in with one, until it is set.
    password_hash = await context.hash_password(forms.text_of(body, "password") or str(uuid4()))
    changes = _changes(body)
    async with users.saving(context.pool, "Database error creating new user") as db:
        await users.insert_user(db, user_id, email, password_hash, changes["user_metadata"])
        await users.update_user(db, user_id, **changes)
        account = await users.find_by_id(db, user_id)
    return JSONResponse(account["profile"] if account else {})


async def list_users(request: Request) -> Response:
    """GET /admin/users?page=1&per_page=50: newest first, with x-total-count and link."""
    context = require_admin(request)
    page = forms.number_of(request, "page", 1, 10**9)
    per_page = forms.number_of(request, "per_page", 50, MAX_PER_PAGE)
    forms.refuse(dict(request.query_params), "filter", "sort")
    async with context.pool.connection() as db:
        profiles, total = await users.list_users(db, page, per_page)
    last = max(1, -(-total // per_page))
    pages = {"next": page + 1, "last": last} if page < last else {"last": last}
    link = ", ".join(
        f'</admin/users?page={number}&per_page={per_page}>; rel="{rel}"'
        for rel, number in pages.items()
    )
    headers = {"X-Total-Count": str(total), "Link": link}
    return JSONResponse({"users": profiles, "aud": tokens.AUDIENCE}, headers=headers)


async def get_user(request: Request) -> Response:
    """GET /admin/users/{id}."""
    return JSONResponse((await _account(request))["profile"])


async def update_user(request: Request) -> Response:
    """PUT /admin/users/{id}: any of the fields of creation. A new password ends all sessions."""
    account = await _account(request)
    context, body = context_of(request), await forms.read_body(request)
    forms.refuse(body, "phone", "phone_confirm", "password_hash")
    email, password = forms.email_of(body), forms.text_of(body, "password")
    password_hash = await context.hash_password(password) if password else None
    changes = _changes(body)
    async with users.saving(context.pool, "Error updating user") as db:
        await users.update_user(
            db, account["id"], email=email or None, password_hash=password_hash, **changes
        )
        if password_hash:
            await sessions.end_sessions(db, account["id"], None, "global")
        updated = await users.find_by_id(db, account["id"])
    return JSONResponse((updated or account)["profile"])


async def delete_user(request: Request) -> Response:
    """DELETE /admin/users/{id}: the user and all that hangs on the row."""
    account = await _account(request)
    forms.refuse(await forms.read_body(request), "should_soft_delete")
    async with users.saving(context_of(request).pool, "Database error deleting user") as db:
        await db.execute("delete from auth.users where id = %s", (account["id"],))
    return JSONResponse({})


async def _account(request: Request) -> DictRow:
    context = require_admin(request)
    bad_id = ApiError(404, "validation_failed", "user_id must be an UUID")
    user_id = forms.uuid_of(request.path_params["user_id"], bad_id)
    async with context.pool.connection() as db:
        account = await users.find_by_id(db, user_id)
    if account is None:
        raise ApiError(404, "user_not_found", "User not found")
    return account


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    confirm = forms.field_of(body, "email_confirm", bool) or False
    verified = {"email_verified": True} if confirm else {}
    return {
        "confirm": confirm,
        "role": forms.text_of(body, "role") or None,
        "app_metadata": forms.field_of(body, "app_metadata", dict),
        "user_metadata": (forms.field_of(body, "user_metadata", dict) or {}) | verified,
        "ban": forms.ban_of(body),
    }
