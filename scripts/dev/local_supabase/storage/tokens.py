"""Checks tokens of callers and of signed addresses; refuses in the words of the real server."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from starlette.requests import Request

from scripts.dev.local_supabase.storage.errors import StorageError, bad, bad_request, denied

UPLOAD_LIFETIME = 7200  # seconds that a signed upload may wait


@dataclass(frozen=True)
class Caller:
    """A database role and the claims of its token."""

    role: str
    claims: dict[str, Any]

    @property
    def owner_id(self) -> str | None:
        """The owner of new files; a token without a subject owns nothing."""
        subject = self.claims.get("sub")
        return subject if isinstance(subject, str) else None

    @property
    def owner(self) -> UUID | None:
        """The same, when it is a UUID."""
        return uuid_of(self.owner_id)


# The server itself, for what no policy decides.
SERVER = Caller("service_role", {"role": "service_role"})


class BadTokenError(Exception):
    """A token that is none, was forged, or is over; the message says which."""


def uuid_of(text: str | None) -> UUID | None:
    """The UUID that a text is, if it is one."""
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None


def read_token(token: str, secret: str) -> dict[str, Any]:
    """The claims of a token of this project. Raises BadTokenError."""
    try:
        return jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            options={"verify_aud": False, "verify_sub": False, "verify_iat": False},
        )
    except jwt.InvalidSignatureError as error:
        raise BadTokenError("signature verification failed") from error
    except jwt.ExpiredSignatureError as error:
        raise BadTokenError('"exp" claim timestamp check failed') from error
    except jwt.ImmatureSignatureError as error:
        raise BadTokenError('"nbf" claim timestamp check failed') from error
    except jwt.InvalidAlgorithmError as error:
        said = '"alg" (Algorithm) Header Parameter value not allowed'
        raise BadTokenError(said) from error
    except (jwt.InvalidTokenError, RecursionError) as error:
        raise BadTokenError("Invalid Compact JWS") from error


def caller_of(request: Request, secret: str, *, header_needed: bool = True) -> Caller:
    """The caller. Raises StorageError when the token is missing or bad."""
    sent = request.headers.get("authorization")
    if sent is None and header_needed:
        raise bad_request("headers must have required property 'authorization'")
    try:
        claims = read_token(re.sub(r"^bearer\s+", "", sent or "", flags=re.IGNORECASE), secret)
    except BadTokenError as error:
        raise denied(str(error)) from error
    role = claims.get("role")
    return Caller(role if isinstance(role, str) and role else "anon", claims)


def caller_or_nobody(request: Request, secret: str) -> Caller | None:
    """The caller; None for a missing or bad token."""
    try:
        return caller_of(request, secret)
    except StorageError:
        return None


def sign(claims: dict[str, Any], lifetime: int, secret: str) -> str:
    """A token for an address; it ends after so many seconds."""
    now = int(time.time())
    return jwt.encode(
        {**claims, "iat": now, "exp": now + lifetime}, secret, "HS256", headers={"typ": ""}
    )


def read_signature(request: Request, secret: str, address: str, scope: str) -> dict[str, Any]:
    """The claims of the address's own token. Raises StorageError when it is for something else."""
    token = request.query_params.get("token")
    if token is None:
        raise bad_request("querystring must have required property 'token'")
    try:
        claims = read_token(token, secret)
    except BadTokenError as error:
        raise bad("InvalidJWT", str(error)) from error
    if claims.get("url") != address:
        raise bad("InvalidSignature", "Invalid signature")
    if claims.get("scope") != scope:
        raise bad("InvalidSignature", f"Token is not scoped for {scope}")
    return claims
