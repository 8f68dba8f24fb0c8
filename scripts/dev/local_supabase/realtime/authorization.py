"""Who a token speaks for, and what the policies on realtime.messages let that user do.

A policy is asked by doing: a probe row is written and read inside a transaction that is rolled
back. Source: supabase/realtime, lib/realtime/tenants/authorization.ex (recorded behaviour).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import psycopg
from psycopg_pool import AsyncConnectionPool

Claims = dict[str, Any]
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]

ALGORITHMS = ["HS256", "HS384", "HS512"]

PROBE = "insert into realtime.messages (topic, extension) values (%s, %s)"
SET_CONTEXT = """
select set_config('realtime.topic', %(topic)s, true),
  set_config('request.jwt.claims', %(claims)s, true),
  set_config('request.jwt.claim.sub', %(sub)s, true),
  set_config('request.jwt.claim.role', %(role)s, true),
  set_config('request.headers', %(headers)s, true),
  set_config('role', %(role)s, true)
"""


class TokenError(Exception):
    """A token that is not accepted.

    Attributes:
        code: how a refused join names the reason.
        message: what is wrong.
        closing: how an open channel is told, where that differs from the message.
    """

    def __init__(self, code: str, message: str, closing: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.closing = closing or message


class ExpiredTokenError(TokenError):
    """The token was good once."""


class MissingPartitionError(Exception):
    """realtime.messages has no partition for now."""


@dataclass(frozen=True, slots=True)
class Policies:
    """What a user may do on one topic, by extension."""

    broadcast: bool
    presence: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What policies see of a user: topic, claims and request headers."""

    topic: str
    claims: Claims
    headers: Mapping[str, str]


def verify(token: str, secret: str) -> Claims:
    """The claims of a token that the project signed and that is still good.

    Raises:
        TokenError: it is malformed, signed by somebody else, incomplete or expired.
    """
    try:
        claims: Claims = jwt.decode(
            token,
            secret,
            algorithms=ALGORITHMS,
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
        said = "Failed to validate JWT signature"
        raise TokenError("JwtSignatureError", said, ":signature_error") from error
    except (jwt.InvalidTokenError, RecursionError) as error:
        raise TokenError("MalformedJWT", "The token provided is not a valid JWT") from error
    expires_at = claims.get("exp")
    if not isinstance(claims.get("role"), str) or not isinstance(expires_at, int | float):
        raise TokenError("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
    over = int(time.time()) - int(expires_at)
    if over >= 0:
        raise ExpiredTokenError("InvalidJWTToken", f"Token has expired {over} seconds ago")
    return claims


async def read_policies(pool: Pool, context: Context, *, presence: bool) -> Policies:
    """What the user may read: a probe row for each extension is written, then read as the user.

    Raises:
        MissingPartitionError: there is no partition to write the probes to.
    """
    extensions = ["presence", "broadcast"] if presence else ["broadcast"]
    async with pool.connection() as connection, connection.transaction(force_rollback=True):
        ids = []
        for extension in extensions:
            try:
                cursor = await connection.execute(
                    f"{PROBE} returning id",
                    (context.topic, extension),
                )
            except psycopg.errors.CheckViolation as error:
                raise MissingPartitionError from error
            ids += [row[0] for row in await cursor.fetchall()]
        try:
            async with connection.transaction():
                await set_context(connection, context)
                cursor = await connection.execute(
                    "select extension from realtime.messages where id = any(%s)", (ids,)
                )
                readable = {row[0] for row in await cursor.fetchall()}
        except psycopg.Error:
            readable = set()
    return Policies("broadcast" in readable, "presence" in readable)


async def write_policies(pool: Pool, context: Context) -> Policies:
    """What the user may write: a probe row for each extension is written as the user."""
    async with pool.connection() as connection, connection.transaction(force_rollback=True):
        try:
            await set_context(connection, context)
        except psycopg.Error:
            return Policies(broadcast=False, presence=False)
        allowed = {}
        for extension in ("broadcast", "presence"):
            try:
                async with connection.transaction():
                    await connection.execute(PROBE, (context.topic, extension))
                allowed[extension] = True
            except psycopg.Error:
                allowed[extension] = False
    return Policies(**allowed)


async def set_context(connection: psycopg.AsyncConnection[Any], context: Context) -> None:
    """Become the user until the transaction ends."""
    claims = context.claims
    values = {
        "topic": context.topic,
        "claims": _compact(claims),
        "sub": str(claims.get("sub", "")),
        "role": claims["role"],
        "headers": _compact(dict(context.headers)),
    }
    await connection.execute(SET_CONTEXT, values)


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
