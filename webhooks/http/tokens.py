"""Checks that an access token is one that the project issued to a signed-in user."""

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
REQUIRED_CLAIMS = ("exp", "iat", "sub", "aud")
LEEWAY_SECONDS = 10
# Supabase allows caching its key set for ten minutes.
JWKS_LIFESPAN_SECONDS = 600
JWKS_TIMEOUT_SECONDS = 3

# The type of the key decides the algorithm, never the token; otherwise an attacker could use a
# public key as an HMAC secret. Supabase signs with these two.
# Source: https://supabase.com/docs/guides/auth/signing-keys
_ALGORITHM_OF_KEY_TYPE = {"EC": "ES256", "RSA": "RS256"}

# The claim behind each of PyJWT's errors; a subclass stands before its parents.
_CLAIM_OF: dict[type[jwt.PyJWTError], str] = {
    jwt.InvalidAudienceError: "aud",
    jwt.InvalidIssuedAtError: "iat",
    jwt.ImmatureSignatureError: "iat",
    jwt.exceptions.InvalidSubjectError: "sub",
    jwt.InvalidAlgorithmError: "alg",
    jwt.InvalidKeyError: "kid",
    jwt.PyJWKClientError: "kid",
    jwt.InvalidSignatureError: "signature",
}

T = TypeVar("T")

KeyAndAlgorithm = tuple[Any, str]
KeyFinder = Callable[[str], KeyAndAlgorithm]


@dataclass(frozen=True)
class User:
    """The caller: the id, and the token for calls of the database."""

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class TokenCheck:
    """The check of one project's tokens; `find_key` gives the key and the algorithm."""

    issuers: tuple[str, ...]
    takes_no_issuer: bool
    find_key: KeyFinder = field(repr=False)
    warm_up: Callable[[], object] = field(repr=False)

    def check(self, token: str) -> User:
        """The user whose token this is. The log says which claim of a refused token was wrong.

        Raises:
            ApiError: 401 AUTH_REQUIRED for a token that is not a valid one of a user, 403 FORBIDDEN
                for an anonymous sign-in, 503 when the project does not serve its keys.
        """
        required = [*REQUIRED_CLAIMS, *([] if self.takes_no_issuer else ["iss"])]
        try:
            key, algorithm = self.find_key(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=AUDIENCE,
                leeway=LEEWAY_SECONDS,
                options={"require": required},
            )
        except jwt.ExpiredSignatureError as error:
            _log_refusal("exp")
            raise auth_required("The access token has expired: refresh it.") from error
        except jwt.PyJWTError as error:
            _log_refusal(_wrong_claim(error))
            raise auth_required("The access token is not valid for this project.") from error
        issuer = claims.get("iss")
        if issuer not in self.issuers and not (issuer is None and self.takes_no_issuer):
            # The project signed it, so the log shows no stranger's text.
            _log_refusal("iss", given=str(issuer)[:255], accepted=list(self.issuers))
            raise auth_required("The access token is not valid for this project.")
        return _user(claims, token)


def open_token_check(config: Config) -> TokenCheck:
    """The check of this project: by its HS256 secret when one is set, else by its key set."""
    if config.supabase_jwt_secret is not None:
        secret = config.supabase_jwt_secret.get_secret_value()
        return TokenCheck(
            config.issuers, config.takes_no_issuer, lambda _: (secret, "HS256"), lambda: None
        )
    client = jwt.PyJWKClient(
        f"{config.auth_url}/.well-known/jwks.json",
        lifespan=JWKS_LIFESPAN_SECONDS,
        timeout=JWKS_TIMEOUT_SECONDS,
    )

    def find_key(token: str) -> KeyAndAlgorithm:
        key_id = jwt.get_unverified_header(token).get("kid")
        if key_id is None:
            raise jwt.InvalidKeyError("The token names no key.")
        key = _from_key_set(lambda: client.get_signing_key(key_id))
        algorithm = _ALGORITHM_OF_KEY_TYPE.get(str(key.key_type))
        if algorithm is None:
            raise jwt.InvalidKeyError("The token names a key of a kind that is not accepted.")
        return key.key, algorithm

    return TokenCheck(
        config.issuers,
        config.takes_no_issuer,
        find_key,
        lambda: _from_key_set(client.get_jwk_set),
    )


def _wrong_claim(error: jwt.PyJWTError) -> str:
    """The wrong part of a token: a claim, its signature, its algorithm, or its form."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return str(error.claim)
    for kind, claim in _CLAIM_OF.items():
        if isinstance(error, kind):
            return claim
    return "form"


def _log_refusal(claim: str, **fields: Any) -> None:
    log_event("token_refused", logging.WARNING, claim=claim, **fields)


def _from_key_set(read: Callable[[], T]) -> T:
    """The result of `read` on the project's key set, which it may fetch first.

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
        _log_refusal("role" if claims.get("role") != ROLE else "sub")
        raise auth_required("This is not the access token of a signed-in user.")
    if claims.get("is_anonymous"):
        raise ApiError(403, "FORBIDDEN", "Sign up first: this is not for anonymous sessions.")
    return User(id=claims["sub"], token=token)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
