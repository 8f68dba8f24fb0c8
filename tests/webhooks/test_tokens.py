"""Which access tokens are taken for a signed-in user's: those of this project, and no others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.webhooks.support import (
    JWT_SECRET,
    USER_ID,
    FakeSupabase,
    api_key,
    settings,
    user_claims,
    user_token,
)
from webhooks.config import load_config
from webhooks.http.errors import ApiError
from webhooks.http.tokens import TokenCheck, open_token_check

URL = "https://abcdefgh.supabase.co"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEY_SET = {
    "keys": [
        jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True) | {"kid": "ec"},
        jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True) | {"kid": "rsa"},
        {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).decode()},
    ]
}


def hs256_check() -> TokenCheck:
    return open_token_check(load_config(settings(URL)))


def jwks_check(fake: FakeSupabase) -> TokenCheck:
    return open_token_check(load_config(settings(fake.url, SUPABASE_JWT_SECRET="")))


def signed(fake: FakeSupabase, key: Any, algorithm: str, **headers: Any) -> str:
    return jwt.encode(user_claims(fake.url), key, algorithm=algorithm, headers=headers)


def refusal_of(check: TokenCheck, token: str) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        check.check(token)
    error = caught.value
    assert (error.status == 401) == (error.headers.get("WWW-Authenticate") == "Bearer")
    assert (error.status == 503) == ("Retry-After" in error.headers)
    return error.status, error.error_code


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def test_a_signed_in_users_token_tells_who_is_calling() -> None:
    token = user_token(URL)
    user = hs256_check().check(token)
    assert (user.id, user.token) == (USER_ID, token)
    assert token not in repr(user)


def test_a_clock_that_is_a_little_off_is_forgiven() -> None:
    assert hs256_check().check(user_token(URL, exp=int(time.time()) - 5)).id == USER_ID


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1600000000},
        {"exp": None},
        {"iat": None},
        {"iat": 4102444800},
        {"aud": "anon"},
        {"aud": None},
        {"iss": "https://other.supabase.co/auth/v1"},
        {"iss": None},
        {"sub": None},
        {"sub": "somebody"},
        {"sub": USER_ID.upper()},
        {"role": "anon"},
        {"role": "service_role"},
        {"role": None},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_refused(changes: dict[str, Any]) -> None:
    assert refusal_of(hs256_check(), user_token(URL, **changes)) == (401, "AUTH_REQUIRED")


def test_an_anonymous_sign_in_is_forbidden() -> None:
    token = user_token(URL, is_anonymous=True)
    assert refusal_of(hs256_check(), token) == (403, "FORBIDDEN")


@pytest.mark.parametrize("role", ["anon", "service_role"])
def test_the_projects_own_api_keys_are_no_users(role: str) -> None:
    assert refusal_of(hs256_check(), api_key(role)) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        ("another-secret-with-at-least-32-bytes-in-it", "HS256"),
        (JWT_SECRET + JWT_SECRET, "HS512"),
        (None, "none"),
        (EC_KEY, "ES256"),
        (RSA_KEY, "RS256"),
    ],
)
def test_a_token_signed_in_another_way_is_refused(key: Any, algorithm: str) -> None:
    token = jwt.encode(user_claims(URL), key, algorithm=algorithm)
    assert refusal_of(hs256_check(), token) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "...",
        "\xff\xfe",
        "éé.éé.éé",
        f"{encoded(b'[' * 50_000)}.e30.x",
        f"{encoded(json.dumps({'alg': 'HS256', 'kid': {}}).encode())}.e30.x",
    ],
    ids=["word", "dots", "only dots", "latin-1", "accents", "deep header", "kid is an object"],
)
def test_garbage_is_refused_with_secret_and_with_key_set(fake: FakeSupabase, token: str) -> None:
    fake.on_keys(KEY_SET)
    for check in (hs256_check(), jwks_check(fake)):
        assert refusal_of(check, token) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(EC_KEY, "ES256", "ec"), (RSA_KEY, "RS256", "rsa")]
)
def test_the_projects_key_set_is_fetched_once_and_used(
    fake: FakeSupabase, key: Any, algorithm: str, kid: str
) -> None:
    fake.on_keys(KEY_SET)
    check = jwks_check(fake)
    for _ in range(3):
        assert check.check(signed(fake, key, algorithm, kid=kid)).id == USER_ID
    assert [asked.path for asked in fake.received] == ["/auth/v1/.well-known/jwks.json"]


@pytest.mark.parametrize(
    ("key", "algorithm", "headers"),
    [
        (EC_KEY, "ES256", {}),
        (EC_KEY, "ES256", {"kid": "unknown"}),
        (EC_KEY, "ES256", {"kid": "rsa"}),
        (RSA_KEY, "RS512", {"kid": "rsa"}),
        (RSA_KEY, "PS256", {"kid": "rsa"}),
        (ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": "ec"}),
        (b"s" * 32, "HS256", {"kid": "oct"}),
        (JWT_SECRET, "HS256", {"kid": "ec"}),
        (None, "none", {"kid": "ec"}),
    ],
)
def test_a_token_that_no_key_of_the_set_signed_is_refused(
    fake: FakeSupabase, key: Any, algorithm: str, headers: dict[str, str]
) -> None:
    fake.on_keys(KEY_SET)
    token = signed(fake, key, algorithm, **headers)
    assert refusal_of(jwks_check(fake), token) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(("private_key", "kid"), [(EC_KEY, "ec"), (RSA_KEY, "rsa")])
def test_a_public_key_does_not_serve_as_a_secret(
    fake: FakeSupabase, private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, kid: str
) -> None:
    fake.on_keys(KEY_SET)
    public = private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = encoded(json.dumps({"alg": "HS256", "kid": kid, "typ": "JWT"}).encode())
    payload = encoded(json.dumps(user_claims(fake.url)).encode())
    signature = hmac.new(public, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    token = f"{header}.{payload}.{encoded(signature)}"
    assert refusal_of(jwks_check(fake), token) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(
    ("status", "body"), [(503, "busy"), (200, "<html>"), (200, {"keys": []})], ids=str
)
def test_without_a_usable_key_set_nobody_is_judged(
    fake: FakeSupabase, status: int, body: Any
) -> None:
    fake.on_keys(body, status)
    token = signed(fake, EC_KEY, "ES256", kid="ec")
    assert refusal_of(jwks_check(fake), token) == (503, "SERVICE_UNAVAILABLE")


def test_a_key_set_that_was_read_outlives_an_outage(fake: FakeSupabase) -> None:
    fake.on_keys(KEY_SET)
    check = jwks_check(fake)
    check.warm_up()
    fake.forget()
    assert check.check(signed(fake, EC_KEY, "ES256", kid="ec")).id == USER_ID
