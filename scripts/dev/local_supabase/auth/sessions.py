"""Rows of auth.sessions and auth.refresh_tokens: signing in, staying in, signing out."""

from __future__ import annotations

import secrets
from uuid import UUID, uuid4

from psycopg.rows import DictRow
from starlette.requests import Request

from scripts.dev.local_supabase.auth.users import Db

# For so long a used refresh token may be used again: two tabs may refresh at once.
# Source: refresh_token_reuse_interval of `supabase start`
REUSE_INTERVAL = 10  # seconds


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


async def has_session(db: Db, user_id: UUID, session_id: UUID) -> bool:
    """Whether the user's session is still there."""
    cursor = await db.execute(
        "select 1 from auth.sessions where id = %s and user_id = %s", (session_id, user_id)
    )
    return await cursor.fetchone() is not None


async def end_sessions(db: Db, user_id: UUID, session_id: UUID | None, scope: str) -> None:
    """End the sessions of a scope: `global` (all), `local` (this one), `others`. Tokens go too."""
    await db.execute(
        """
        delete from auth.sessions
        where user_id = %(user_id)s and case %(scope)s
          when 'local' then id = %(session_id)s
          when 'others' then id is distinct from %(session_id)s
          else true
        end
        """,
        {"user_id": user_id, "session_id": session_id, "scope": scope},
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
