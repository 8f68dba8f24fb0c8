"""Rows of auth.users and auth.identities, and what a client is shown of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, Error
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from scripts.dev.local_supabase.auth.errors import ApiError
from scripts.dev.local_supabase.auth.tokens import AUDIENCE

Db = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Db]

logger = logging.getLogger(__name__)

TAKEN = {
    "email_exists": "A user with this email address has already been registered",
    "user_already_exists": "User already registered",
}

# `profile` is the user as GoTrue shows it: moments that have not come are left out.
# Source: supabase/auth, internal/models/user.go and identity.go
ACCOUNT = """
select
  u.id,
  u.encrypted_password,
  coalesce(u.banned_until > now(), false) as is_banned,
  jsonb_build_object(
    'id', u.id, 'aud', coalesce(u.aud, ''), 'role', coalesce(u.role, ''),
    'email', coalesce(u.email, ''), 'phone', coalesce(u.phone, ''),
    'app_metadata', coalesce(u.raw_app_meta_data, '{}'),
    'user_metadata', coalesce(u.raw_user_meta_data, '{}'),
    'created_at', u.created_at, 'updated_at', u.updated_at, 'is_anonymous', u.is_anonymous
  ) || jsonb_strip_nulls(jsonb_build_object(
    'email_confirmed_at', u.email_confirmed_at, 'phone_confirmed_at', u.phone_confirmed_at,
    'confirmed_at', u.confirmed_at, 'invited_at', u.invited_at,
    'last_sign_in_at', u.last_sign_in_at, 'banned_until', u.banned_until
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

# In metadata a key sent as null is removed, any other replaces what was there, as in GoTrue.
UPDATE_USER = """
update auth.users as u
set
  email = coalesce(%(email)s, u.email),
  email_confirmed_at = case
    when %(confirm)s then coalesce(u.email_confirmed_at, now()) else u.email_confirmed_at
  end,
  encrypted_password = coalesce(%(password_hash)s, u.encrypted_password),
  role = coalesce(%(role)s, u.role),
  raw_app_meta_data = (coalesce(u.raw_app_meta_data, '{}') || %(app_metadata)s)
    - array(select a.key from jsonb_each(%(app_metadata)s) as a where a.value = 'null'),
  raw_user_meta_data = (coalesce(u.raw_user_meta_data, '{}') || %(user_metadata)s)
    - array(select m.key from jsonb_each(%(user_metadata)s) as m where m.value = 'null'),
  banned_until = case
    when %(ban)s::interval is null then u.banned_until
    when %(ban)s::interval > interval '0' then now() + %(ban)s::interval
  end,
  updated_at = now()
where u.id = %(user_id)s
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
    """The account (id, encrypted_password, is_banned, profile) with this e-mail."""
    where = "where u.email = %s and not u.is_sso_user"
    return await (await db.execute(ACCOUNT + where, (email,))).fetchone()


async def find_by_id(db: Db, user_id: UUID) -> DictRow | None:
    """The account (id, encrypted_password, is_banned, profile) with this id."""
    return await (await db.execute(ACCOUNT + "where u.id = %s", (user_id,))).fetchone()


async def list_users(db: Db, page: int, per_page: int) -> tuple[list[dict[str, Any]], int]:
    """One page of profiles, newest first, and how many there are in all."""
    ordered = "order by u.created_at desc, u.id limit %s offset %s"
    rows = await (await db.execute(ACCOUNT + ordered, (per_page, (page - 1) * per_page))).fetchall()
    count = await (await db.execute("select count(*) as total from auth.users")).fetchone()
    return [row["profile"] for row in rows], count["total"] if count else 0


def email_claims(user_id: UUID, email: str) -> dict[str, Any]:
    """What the e-mail identity says about its user."""
    return {"sub": str(user_id), "email": email, "email_verified": False, "phone_verified": False}


async def insert_user(
    db: Db, user_id: UUID, email: str, password_hash: str, data: dict[str, Any]
) -> None:
    """A new user, not confirmed yet, with its e-mail identity. `data`: its user metadata."""
    provider = Jsonb({"provider": "email", "providers": ["email"]})
    await db.execute(
        """
        insert into auth.users (
          instance_id, id, aud, role, email, encrypted_password, raw_app_meta_data,
          raw_user_meta_data, confirmation_token, recovery_token, email_change_token_new,
          email_change, created_at, updated_at
        )
        values (
          '00000000-0000-0000-0000-000000000000', %s, %s, 'authenticated', %s, %s, %s,
          %s, '', '', '',
          '', now(), now()
        )
        """,
        (user_id, AUDIENCE, email, password_hash, provider, Jsonb(data)),
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


async def update_user(
    db: Db,
    user_id: UUID,
    *,
    email: str | None = None,
    confirm: bool = False,
    password_hash: str | None = None,
    role: str | None = None,
    app_metadata: dict[str, Any] | None = None,
    user_metadata: dict[str, Any] | None = None,
    ban: str | None = None,
) -> None:
    """Change what is given and leave the rest. `ban`: an interval from now; 0 lifts it."""
    changes = {
        "user_id": user_id,
        "email": email,
        "confirm": confirm,
        "password_hash": password_hash,
        "role": role,
        "app_metadata": Jsonb(app_metadata or {}),
        "user_metadata": Jsonb(user_metadata or {}),
        "ban": ban,
    }
    await db.execute(UPDATE_USER, changes)
    if email is not None:
        await db.execute(
            """
            update auth.identities as i
            set identity_data = i.identity_data || %s, updated_at = now()
            where i.user_id = %s and i.provider = 'email'
            """,
            (Jsonb({"email": email}), user_id),
        )
