"""Verifies tokens, and asks the policies on realtime.messages about a user's rights.

A policy is asked by doing: a probe row is written and read inside a transaction that is rolled
back. Source: supabase/realtime, lib/realtime/tenants/authorization.ex (recorded behaviour).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
import psycopg
from psycopg_pool import AsyncConnectionPool

Claims = dict[str, Any]
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]

ALGORITHMS = ["HS256", "HS384", "HS512"]
# How many verified tokens are remembered.
TOKENS = 4096

PROBES = """
insert into realtime.messages (topic, id, extension)
select %s, probe.* from unnest(%s::uuid[], %s::text[]) as probe
"""
READ_PROBES = "select extension from realtime.messages where id = any(%s)"
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
    """A user's rights on one topic, by extension."""

    broadcast: bool
    presence: bool


@dataclass(frozen=True, slots=True)
class Context:
    """The context of policies: topic, claims and request headers of a user."""

    topic: str
    claims: Claims
    headers: Mapping[str, str]


def verify(token: str, secret: str) -> Claims:
    """The claims of a token that the project signed and that is still good; not to be changed.

    Raises:
        TokenError: it is malformed, signed by somebody else, incomplete or expired.
    """
    claims = _read(token, secret)
    expires_at = claims.get("exp")
    if not isinstance(claims.get("role"), str) or not isinstance(expires_at, int | float):
        raise TokenError("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
    over = int(time.time()) - int(expires_at)
    if over >= 0:
        raise ExpiredTokenError("InvalidJWTToken", f"Token has expired {over} seconds ago")
    return claims


@lru_cache(maxsize=TOKENS)
def _read(token: str, secret: str) -> Claims:
    """The claims of a signed token, expired or not; a repeated token is not read again."""
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
    return claims


async def read_policies(pool: Pool, context: Context, *, presence: bool) -> Policies:
    """The user's rights to read: writes a probe row for each extension, then reads it as the user.

    Raises:
        MissingPartitionError: there is no partition to write the probes to.
    """
    ids = {uuid.uuid4(): "broadcast"} | ({uuid.uuid4(): "presence"} if presence else {})
    async with pool.connection() as connection:
        probes = connection.cursor()
        try:
            async with connection.pipeline():  # one round trip for the whole of it
                await connection.execute("begin")
                await probes.execute(PROBES, (context.topic, list(ids), list(ids.values())))
                await set_context(connection, context)
                read = await connection.execute(READ_PROBES, (list(ids),))
                await connection.execute("rollback")
                readable = {extension for (extension,) in await read.fetchall()}
        except BaseException as error:
            # What stands behind a statement that failed was skipped, the rollback and the PREPARE
            # that psycopg takes for done, too: the pool makes a new connection in its place.
            await connection.close()
            if isinstance(error, psycopg.Error) and probes.rowcount == len(ids):
                return Policies(broadcast=False, presence=False)
            if isinstance(error, psycopg.errors.CheckViolation):
                raise MissingPartitionError from error
            raise
    return Policies("broadcast" in readable, "presence" in readable)


async def write_policies(pool: Pool, context: Context) -> Policies:
    """The user's rights to write: writes a probe row for each extension as the user."""
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
