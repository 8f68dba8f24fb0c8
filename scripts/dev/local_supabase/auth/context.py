"""What every request needs, and who is asking."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from psycopg.rows import DictRow
from starlette.requests import Request

from scripts.dev.local_supabase.auth import forms, passwords, sessions, tokens, users
from scripts.dev.local_supabase.auth.errors import ApiError
from scripts.dev.local_supabase.auth.limits import FailedLogins
from scripts.dev.local_supabase.config import Settings

ADMIN_ROLES = ("service_role", "supabase_admin")


@dataclass
class Context:
    """The parts of one running Auth server."""

    settings: Settings
    pool: users.Pool
    failures: FailedLogins = field(default_factory=FailedLogins)
    # Two hashes at a time: more would not be faster, and guesses are counted between them.
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    async def hash_password(self, password: str) -> str:
        """The hash of a new password, which must be strong enough."""
        passwords.check_strength(password)
        async with self.hashing:
            return await passwords.hash_password(password)


def context_of(request: Request) -> Context:
    """The server that the request came to."""
    context: Context = request.app.state.context
    return context


def require_admin(request: Request) -> Context:
    """Refuse everybody but the holder of the service key."""
    context = context_of(request)
    if tokens.bearer_claims(request, context.settings).get("role") not in ADMIN_ROLES:
        raise ApiError(403, "not_admin", "User not allowed")
    return context


async def require_user(request: Request) -> tuple[UUID | None, DictRow]:
    """The session and the account that the request's access token stands for."""
    context = context_of(request)
    claims = tokens.bearer_claims(request, context.settings)
    if not claims.get("sub"):
        raise ApiError(403, "bad_jwt", "invalid claim: missing sub claim")
    bad_sub = ApiError(400, "bad_jwt", "invalid claim: sub claim must be a UUID")
    user_id = forms.uuid_of(str(claims["sub"]), bad_sub)
    no_session = ApiError(
        403, "session_not_found", "Session from session_id claim in JWT does not exist"
    )
    claimed = claims.get("session_id")
    session_id = forms.uuid_of(str(claimed), no_session) if claimed else None
    async with context.pool.connection() as db:
        account = await users.find_by_id(db, user_id)
        if account is None:
            said = "User from sub claim in JWT does not exist"
            raise ApiError(403, "user_not_found", said)
        if session_id and not await sessions.has_session(db, user_id, session_id):
            raise no_session
    if account["is_banned"]:
        raise ApiError(403, "user_banned", "User is banned")
    return session_id, account
