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


# Whose tokens: the settings, the token's issuer, and what the log says of one that is refused.

LOCAL = "http://127.0.0.1:54321"
ISSUERS = [
    # Hosted, or self-hosted with an issuer that is the URL's.
    (URL, {}, f"{URL}/auth/v1", None),
    (URL, {}, "https://other.supabase.co/auth/v1", "iss"),
    # Stock self-hosted: Auth names no issuer, and signs with a shared secret.
    (URL, {}, None, None),
    # An app inside the network, which calls Supabase by another name than browsers do.
    ("http://kong:8000", {"SUPABASE_JWT_ISSUER": "https://api.x.com/auth/v1"},
     "https://api.x.com/auth/v1", None),
    ("http://kong:8000", {"SUPABASE_JWT_ISSUER": "https://api.x.com/auth/v1, supabase"},
     "supabase", None),
    ("http://kong:8000", {"SUPABASE_JWT_ISSUER": "supabase"}, "http://kong:8000/auth/v1", "iss"),
    # Whoever names issuers wants one to be named.
    (URL, {"SUPABASE_JWT_ISSUER": f"{URL}/auth/v1"}, None, "iss"),
    # The names of this machine.
    (LOCAL, {}, "http://localhost:54321/auth/v1", None),
    ("http://localhost:54321", {}, f"{LOCAL}/auth/v1", None),
    (LOCAL, {}, "http://localhost:54322/auth/v1", "iss"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "more", "issuer", "refused"), ISSUERS)
def test_an_issuer_is_accepted_as_the_settings_say(
    url: str,
    more: dict[str, str],
    issuer: str | None,
    refused: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    check = open_token_check(load_config(settings(url, **more)))
    token = user_token(url, iss=issuer)
    if refused is None:
        assert check.check(token).id == USER_ID
    else:
        assert refusal_of(check, token) == (401, "AUTH_REQUIRED")
        assert refusals(caplog) == [refused]


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The claims that the log calls wrong."""
    lines = (record for record in caplog.records if record.getMessage() == "token_refused")
    return [record.__dict__["parley_fields"]["claim"] for record in lines]


def test_a_key_set_wants_an_issuer(fake: FakeSupabase, caplog: pytest.LogCaptureFixture) -> None:
    fake.on_keys(KEY_SET)
    claims = user_claims(fake.url, iss=None)
    token = jwt.encode(claims, EC_KEY, algorithm="ES256", headers={"kid": "ec"})
    assert refusal_of(jwks_check(fake), token) == (401, "AUTH_REQUIRED")
    assert refusals(caplog) == ["iss"]


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"exp": 1600000000}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": 4102444800}, "iat"),
        ({"aud": "anon"}, "aud"),
        ({"aud": None}, "aud"),
        ({"sub": None}, "sub"),
        ({"sub": "somebody"}, "sub"),
        ({"role": "anon"}, "role"),
    ],
    ids=str,
)
def test_the_log_says_which_claim_was_wrong(
    changes: dict[str, Any], claim: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = user_token(URL, **changes)
    refusal_of(hs256_check(), token)
    assert refusals(caplog) == [claim]
    assert token not in caplog.text


def test_a_secret_where_keys_are_set_and_keys_where_a_secret_is_are_told_apart(
    fake: FakeSupabase, caplog: pytest.LogCaptureFixture
) -> None:
    fake.on_keys(KEY_SET)
    refusal_of(jwks_check(fake), user_token(fake.url))
    refusal_of(hs256_check(), jwt.encode(user_claims(URL), EC_KEY, algorithm="ES256"))
    refusal_of(hs256_check(), user_token(URL) + "x")
    assert refusals(caplog) == ["kid", "alg", "signature"]
