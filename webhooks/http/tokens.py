"""Is this access token one that the project gave to a signed-in user?"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jwt

from webhooks.config import Config
from webhooks.http.errors import ApiError, auth_required, unavailable
from webhooks.logs import log_event

AUDIENCE = "authenticated"
ROLE = "authenticated"
REQUIRED_CLAIMS = ("exp", "iat", "sub", "aud", "iss")
LEEWAY_SECONDS = 10
# Supabase lets its key set be cached for ten minutes.
JWKS_LIFESPAN_SECONDS = 600
JWKS_TIMEOUT_SECONDS = 3

# The key decides how it may be used, never the token: a public key can so not be taken for an
# HMAC secret. Supabase signs with these two.
# Source: https://supabase.com/docs/guides/auth/signing-keys
_ALGORITHM_OF_KEY_TYPE = {"EC": "ES256", "RSA": "RS256"}

T = TypeVar("T")

KeyAndAlgorithm = tuple[Any, str]
KeyFinder = Callable[[str], KeyAndAlgorithm]


@dataclass(frozen=True)
class User:
    """Who is calling: the id, and the token to call the database with."""

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class TokenCheck:
    """The check of one project's tokens; `find_key` fixes how they must be signed."""

    issuer: str
    find_key: KeyFinder = field(repr=False)
    warm_up: Callable[[], object] = field(repr=False)

    def check(self, token: str) -> User:
        """The user whose token this is.

        Raises:
            ApiError: 401 AUTH_REQUIRED for a token that is not a user's valid one, 403 FORBIDDEN
                for an anonymous sign-in, 503 when the project's keys cannot be had.
        """
        try:
            key, algorithm = self.find_key(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=AUDIENCE,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED_CLAIMS)},
            )
        except jwt.ExpiredSignatureError as error:
            raise auth_required("The access token has expired: refresh it.") from error
        except jwt.PyJWTError as error:
            raise auth_required("The access token is not valid for this project.") from error
        return _user(claims, token)


def open_token_check(config: Config) -> TokenCheck:
    """The check that fits the project: its HS256 secret when one is set, else its key set."""
    secret = config.supabase_jwt_secret
    if secret is not None:
        return TokenCheck(config.auth_url, lambda _: (secret, "HS256"), lambda: None)
    client = jwt.PyJWKClient(
        f"{config.auth_url}/.well-known/jwks.json",
        lifespan=JWKS_LIFESPAN_SECONDS,
        timeout=JWKS_TIMEOUT_SECONDS,
    )

    def find_key(token: str) -> KeyAndAlgorithm:
        key_id = jwt.get_unverified_header(token).get("kid")
        if key_id is None:
            raise jwt.InvalidTokenError("The token names no key.")
        key = _from_key_set(lambda: client.get_signing_key(key_id))
        algorithm = _ALGORITHM_OF_KEY_TYPE.get(str(key.key_type))
        if algorithm is None:
            raise jwt.InvalidKeyError("The token names a key of a kind that is not accepted.")
        return key.key, algorithm

    return TokenCheck(config.auth_url, find_key, lambda: _from_key_set(client.get_jwk_set))


def _from_key_set(read: Callable[[], T]) -> T:
    """What `read` finds in the project's key set, which may have to be fetched first.

    Raises:
        ApiError: 503 when the project does not serve a usable one.
    """
    try:
        return read()
    except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, OSError, ValueError) as error:
        log_event("signing_keys_unavailable", logging.ERROR, reason=type(error).__name__)
        raise unavailable("Access tokens cannot be checked right now.") from error


def _user(claims: dict[str, Any], token: str) -> User:
    if claims.get("role") != ROLE or not _is_uuid(claims["sub"]):
        raise auth_required("This is not the access token of a signed-in user.")
    if claims.get("is_anonymous"):
        raise ApiError(403, "FORBIDDEN", "Sign up first: this is not for anonymous sessions.")
    return User(id=claims["sub"], token=token)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
