"""Rows of the schema auth: users and their identities, sessions and their refresh tokens."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from psycopg import AsyncConnection, Error
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from starlette.requests import Request

from scripts.dev.local_supabase.auth.forms import ApiError
from scripts.dev.local_supabase.auth.tokens import AUDIENCE

Db = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Db]

logger = logging.getLogger(__name__)

TAKEN = {
    "email_exists": "A user with this email address has already been registered",
    "user_already_exists": "User already registered",
}
# For so long a used refresh token may be used again: two tabs may refresh at once.
# Source: refresh_token_reuse_interval of `supabase start`
REUSE_INTERVAL = 10  # seconds

# `profile` is the user as GoTrue shows it: moments that have not come are left out.
# Source: supabase/auth, internal/models/user.go and identity.go
ACCOUNT = """
select
  u.id,
  u.encrypted_password,
  jsonb_build_object(
    'id', u.id, 'aud', coalesce(u.aud, ''), 'role', coalesce(u.role, ''),
    'email', coalesce(u.email, ''), 'phone', coalesce(u.phone, ''),
    'app_metadata', coalesce(u.raw_app_meta_data, '{}'),
    'user_metadata', coalesce(u.raw_user_meta_data, '{}'),
    'created_at', u.created_at, 'updated_at', u.updated_at, 'is_anonymous', u.is_anonymous
  ) || jsonb_strip_nulls(jsonb_build_object(
    'email_confirmed_at', u.email_confirmed_at, 'phone_confirmed_at', u.phone_confirmed_at,
    'confirmed_at', u.confirmed_at, 'invited_at', u.invited_at,
    'last_sign_in_at', u.last_sign_in_at
  )) || jsonb_build_object('identities', (
    select coalesce(jsonb_agg(jsonb_build_object(
      'identity_id', i.id, 'id', i.provider_id, 'user_id', i.user_id, 'email', i.email,
      'identity_data', i.identity_data, 'provider', i.provider,
      'last_sign_in_at', i.last_sign_in_at, 'created_at', i.created_at, 'updated_at', i.updated_at
    ) order by i.created_at), '[]')
    from auth.identities as i
    where i.user_id = u.id
  )) as profile
from auth.users as u
"""


@asynccontextmanager
async def saving(pool: Pool, failure: str, taken: str = "email_exists") -> AsyncIterator[Db]:
    """One transaction. What the database refuses, a raising trigger say, is a 500 `failure`."""
    try:
        async with pool.connection() as db:
            yield db
    except Error as error:
        if error.diag.constraint_name in ("users_email_partial_key", "users_pkey"):
            raise ApiError(422, taken, TAKEN[taken]) from None
        logger.warning("%s: %s", failure, error)
        raise ApiError(500, "unexpected_failure", failure) from error


async def find_by_email(db: Db, email: str) -> DictRow | None:
    """The account (id, encrypted_password, profile) with this e-mail."""
    where = "where u.email = %s and not u.is_sso_user"
    return await (await db.execute(ACCOUNT + where, (email,))).fetchone()


async def find_by_id(db: Db, user_id: UUID) -> DictRow | None:
    """The account (id, encrypted_password, profile) with this id."""
    return await (await db.execute(ACCOUNT + "where u.id = %s", (user_id,))).fetchone()


def email_claims(user_id: UUID, email: str) -> dict[str, Any]:
    """The data of a user's e-mail identity."""
    return {"sub": str(user_id), "email": email, "email_verified": False, "phone_verified": False}


async def insert_user(
    db: Db,
    user_id: UUID,
    email: str,
    password_hash: str,
    *,
    confirmed: bool,
    user_metadata: dict[str, Any],
    app_metadata: dict[str, Any] | None = None,
) -> None:
    """A new user with its e-mail identity. In app metadata null removes what would be there."""
    provider = {"provider": "email", "providers": ["email"]}
    app = {name: value for name, value in (provider | (app_metadata or {})).items() if value}
    await db.execute(
        """
        insert into auth.users (
          instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
          raw_app_meta_data, raw_user_meta_data, confirmation_token, recovery_token,
          email_change_token_new, email_change, created_at, updated_at
        )
        values (
          '00000000-0000-0000-0000-000000000000', %s, %s, 'authenticated', %s, %s,
          case when %s then now() end, %s, %s, '', '', '', '', now(), now()
        )
        """,
        (user_id, AUDIENCE, email, password_hash, confirmed, Jsonb(app), Jsonb(user_metadata)),
    )
    await db.execute(
        """
        insert into auth.identities (
          provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at
        )
        values (%s, %s, %s, 'email', now(), now(), now())
        """,
        (str(user_id), user_id, Jsonb(email_claims(user_id, email))),
    )


async def start_session(db: Db, user_id: UUID, request: Request) -> tuple[UUID, int, str]:
    """Sign the user in: session id, start (seconds since 1970) and first refresh token."""
    client = request.client.host if request.client else None
    session_id, agent = uuid4(), request.headers.get("User-Agent", "")[:500]
    await db.execute(
        "update auth.users set last_sign_in_at = now(), updated_at = now() where id = %s",
        (user_id,),
    )
    await db.execute(
        "update auth.identities set last_sign_in_at = now() where user_id = %s", (user_id,)
    )
    cursor = await db.execute(
        """
        insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
        values (%s, %s, now(), now(), 'aal1', %s, %s)
        returning floor(extract(epoch from now()))::bigint as started
        """,
        (session_id, user_id, agent, client),
    )
    row = await cursor.fetchone()
    started = row["started"] if row else 0
    return session_id, started, await _issue(db, user_id, session_id, None)


async def rotate(db: Db, token: str) -> tuple[DictRow | None, str | None]:
    """Use a refresh token: its session (id, user_id, started), and the next token.

    No session: the token is unknown. No token: it was used before and too long ago, which is
    what a thief would do, so that every token of the session is void from now on (commit it).
    """
    cursor = await db.execute(
        """
        select s.id, s.user_id, floor(extract(epoch from s.created_at))::bigint as started
        from auth.sessions as s
        where s.id = (select t.session_id from auth.refresh_tokens as t where t.token = %s)
        for update
        """,
        (token,),
    )
    session = await cursor.fetchone()
    if session is None:
        return None, None
    cursor = await db.execute(
        """
        select
          used.revoked,
          used.updated_at > now() - make_interval(secs => %(reuse)s) as is_recent,
          active.token as active,
          active.parent as active_parent
        from auth.refresh_tokens as used
        left join lateral (
          select t.token, t.parent
          from auth.refresh_tokens as t
          where t.session_id = used.session_id and not t.revoked
          order by t.id desc
          limit 1
        ) as active on true
        where used.token = %(token)s
        """,
        {"token": token, "reuse": REUSE_INTERVAL},
    )
    state = await cursor.fetchone()
    if state is None:
        return None, None
    if state["revoked"]:
        # The client never got the answer of its last refresh: it gets that answer again.
        if state["active_parent"] == token or (state["active"] and state["is_recent"]):
            return session, state["active"]
        await db.execute(
            "update auth.refresh_tokens set revoked = true, updated_at = now()"
            " where session_id = %s and not revoked",
            (session["id"],),
        )
        return session, None
    await db.execute(
        "update auth.refresh_tokens set revoked = true, updated_at = now() where token = %s",
        (token,),
    )
    await db.execute(
        "update auth.sessions set refreshed_at = now(), updated_at = now() where id = %s",
        (session["id"],),
    )
    return session, await _issue(db, session["user_id"], session["id"], token)


async def has_session(db: Db, user_id: UUID, session_id: str) -> bool:
    """Whether the user's session is still there."""
    cursor = await db.execute(
        "select 1 from auth.sessions where id::text = %s and user_id = %s", (session_id, user_id)
    )
    return await cursor.fetchone() is not None


async def end_sessions(db: Db, user_id: UUID, session_id: str | None, scope: str) -> None:
    """End the sessions of a scope: `global` (all) or `local` (this one). Tokens go too."""
    await db.execute(
        "delete from auth.sessions where user_id = %s and (id::text = %s or %s = 'global')",
        (user_id, session_id, scope),
    )


async def _issue(db: Db, user_id: UUID, session_id: UUID, parent: str | None) -> str:
    token = secrets.token_urlsafe(16)
    await db.execute(
        """
        insert into auth.refresh_tokens (
          instance_id, token, user_id, session_id, parent, revoked, created_at, updated_at
        )
        values ('00000000-0000-0000-0000-000000000000', %s, %s, %s, %s, false, now(), now())
        """,
        (token, str(user_id), session_id, parent),
    )
    return token
