"""Access tokens, the claims that GoTrue signs, and passwords, hashed with argon2id in a thread."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.requests import Request

from scripts.dev.local_supabase.auth.forms import ApiError
from scripts.dev.local_supabase.config import Settings

AUDIENCE = "authenticated"
# OWASP's smallest recommended setting: 19 MiB, two passes, about 30 ms.
# Source: OWASP Password Storage Cheat Sheet, "Argon2id"
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


async def hash_password(password: str) -> str:
    """The text for auth.users.encrypted_password."""
    return await asyncio.to_thread(HASHER.hash, password)


async def is_right(stored: str, password: str) -> bool:
    """Whether the password belongs to the stored hash."""
    try:
        return await asyncio.to_thread(HASHER.verify, stored, password)
    except (VerificationError, InvalidHashError):
        return False


def session_answer(
    settings: Settings, profile: dict[str, Any], session_id: UUID, started: int, refresh_token: str
) -> dict[str, Any]:
    """The answer to a sign-in. `started`: when the password was given, in seconds since 1970."""
    now = int(time.time())
    expires_at = now + settings.access_token_lifetime
    claims = {
        "iss": f"{settings.api_url}/auth/v1",
        "sub": profile["id"],
        "aud": AUDIENCE,
        "exp": expires_at,
        "iat": now,
        "email": profile["email"],
        "phone": profile["phone"],
        "app_metadata": profile["app_metadata"],
        "user_metadata": profile["user_metadata"],
        "role": profile["role"],
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": started}],
        "session_id": str(session_id),
        "is_anonymous": profile["is_anonymous"],
    }
    return {
        "access_token": jwt.encode(claims, settings.jwt_secret, algorithm="HS256"),
        "token_type": "bearer",
        "expires_in": settings.access_token_lifetime,
        "expires_at": expires_at,
        "refresh_token": refresh_token,
        "user": profile,
    }


def bearer_claims(request: Request, settings: Settings) -> dict[str, Any]:
    """The claims of the request's access token, once its signature and lifetime are checked."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        message = "This endpoint requires a valid Bearer token"
        raise ApiError(401, "no_authorization", message)
    try:
        return jwt.decode(
            token.strip(),
            settings.jwt_secret,
            algorithms=["HS256"],
            options={"verify_aud": False, "verify_sub": False},
        )
    except jwt.PyJWTError as error:
        message = f"invalid JWT: unable to parse or verify signature, {error}"
        raise ApiError(403, "bad_jwt", message) from None
