"""Checks the Bearer token of a request as PostgREST does.

Audiences are not checked, because Supabase sets none; a token without a role runs as `anon`.
Source: https://docs.postgrest.org/en/v14/references/auth.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from functools import lru_cache
from typing import Any

import jwt

from scripts.dev.local_supabase.rest.errors import ApiError

ANONYMOUS_ROLE = "anon"
CLOCK_SKEW = 30  # seconds that PostgREST forgives
TOKENS = 4096  # how many verified ones are remembered; PostgREST caches them, too


def read_claims(authorization: str | None, secret: str) -> dict[str, Any]:
    """The claims of the request, always with a `role`. Raises ApiError 401."""
    found = re.match(r"bearer(?:\s+(.*)|$)", authorization or "", re.IGNORECASE)
    claims = _verified(found[1] or "", secret) if found else {}
    _check_time(claims, time.time())
    role = claims.get("role", ANONYMOUS_ROLE)
    return {**claims, "role": role if isinstance(role, str) else json.dumps(role)}


@lru_cache(maxsize=TOKENS)
def _verified(token: str, secret: str) -> dict[str, Any]:
    if not token:
        raise _refused("PGRST301", "Empty JWT is sent in Authorization header")
    parts = token.split(".")
    if len(parts) != 3:
        raise _refused("PGRST301", f"Expected 3 parts in JWT; got {len(parts)}")
    algorithm = _algorithm(parts[0])
    if algorithm == "none":
        details = "JWT is unsecured but expected 'alg' was not 'none'"
        raise _refused("PGRST301", "Wrong or unsupported encoding algorithm", details)
    if algorithm != "HS256":
        details = "No suitable key was found to decode the JWT"
        raise _refused("PGRST301", "No suitable key or wrong key type", details)
    try:
        payload = jwt.api_jws.decode(token, secret, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        details = "None of the keys was able to decode the JWT"
        raise _refused("PGRST301", "No suitable key or wrong key type", details) from error
    try:
        claims = json.loads(payload)
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise _refused("PGRST303", "Parsing claims failed")
    return claims


def _algorithm(header: str) -> str:
    try:
        value = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return str(value["alg"])
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused("PGRST301", "JWT couldn't be decoded") from error


def _check_time(claims: dict[str, Any], now: float) -> None:
    for name, early, message in (
        ("exp", None, "JWT expired"),
        ("nbf", now + CLOCK_SKEW, "JWT not yet valid"),
        ("iat", now + CLOCK_SKEW, "JWT issued at future"),
    ):
        moment = claims.get(name)
        if moment is None:
            continue
        if isinstance(moment, bool) or not isinstance(moment, int | float):
            raise _refused("PGRST303", f"The JWT '{name}' claim must be a number")
        if moment < now - CLOCK_SKEW if early is None else moment > early:
            raise _refused("PGRST303", message)


def _refused(code: str, message: str, details: str | None = None) -> ApiError:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return ApiError(401, code, message, details=details, headers=[("WWW-Authenticate", challenge)])
