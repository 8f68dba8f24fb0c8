"""The local stack's Auth server through the real SDKs."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from supabase import (
    AsyncClientOptions,
    create_async_client,
)
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from tests.local_supabase.auth.server import PASSWORD, Auth, assert_refused, new_email


def test_the_sdk_signs_up_in_out_and_refreshes(auth: Auth) -> None:
    client, email = auth.client(), new_email()
    signed_up = client.auth.sign_up(
        {"email": email, "password": PASSWORD, "options": {"data": {"name": "Asha"}}}
    )
    assert signed_up.user is not None
    assert signed_up.session is not None
    assert signed_up.user.email == email
    assert signed_up.user.user_metadata["name"] == "Asha"
    assert signed_up.user.user_metadata["email_verified"] is True
    assert signed_up.user.identities is not None
    assert [identity.provider for identity in signed_up.user.identities] == ["email"]

    signed_in = client.auth.sign_in_with_password({"email": email.upper(), "password": PASSWORD})
    assert signed_in.user is not None
    assert signed_in.session is not None
    assert signed_in.user.id == signed_up.user.id
    assert signed_in.user.last_sign_in_at is not None

    refreshed = client.auth.refresh_session()
    assert refreshed.session is not None
    assert refreshed.session.refresh_token != signed_in.session.refresh_token

    seen = client.auth.get_user()
    assert seen is not None
    assert seen.user.id == signed_up.user.id

    client.auth.sign_out()
    assert client.auth.get_session() is None
    assert auth.count("auth.sessions where user_id = %s", signed_up.user.id) == 0
    assert_refused(auth.refresh(refreshed.session.refresh_token), 400, "refresh_token_not_found")


def test_the_async_sdk_signs_in_and_out(auth: Auth) -> None:
    async def scenario(http: httpx.AsyncClient) -> None:
        email = new_email()
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False)
        client = await create_async_client(auth.settings.api_url, auth.anon_key, options)
        await client.auth.sign_up({"email": email, "password": PASSWORD})
        signed_in = await client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
        seen = await client.auth.get_user()
        assert seen is not None
        assert seen.user == signed_in.user
        await client.auth.sign_out()
        with pytest.raises(AuthApiError, match="Invalid login credentials"):
            await client.auth.sign_in_with_password({"email": email, "password": "wrong horse"})

    async def main() -> None:
        async with httpx.AsyncClient(timeout=30) as http:
            await scenario(http)

    asyncio.run(main())


def test_an_operator_creates_and_deletes_users(auth: Auth) -> None:
    admin, email = auth.client("service_role").auth.admin, new_email()
    user = admin.create_user(
        {
            "email": email,
            "password": PASSWORD,
            "email_confirm": True,
            "user_metadata": {"name": "Ravi"},
            "app_metadata": {"plan": "gold"},
        }
    ).user
    assert user.email_confirmed_at is not None
    assert user.user_metadata == {"name": "Ravi", "email_verified": True}
    assert user.app_metadata == {"provider": "email", "providers": ["email"], "plan": "gold"}
    assert auth.log_in(email).status_code == 200

    admin.delete_user(user.id)
    with pytest.raises(AuthApiError) as refusal:
        admin.delete_user(user.id)
    assert (refusal.value.status, refusal.value.code) == (404, "user_not_found")
    assert_refused(auth.log_in(email), 400, "invalid_credentials")


def test_the_sdk_understands_the_refusals(auth: Auth) -> None:
    client, email = auth.client(), new_email()
    with pytest.raises(AuthWeakPasswordError) as weak:
        client.auth.sign_up({"email": email, "password": "short"})
    assert weak.value.reasons == ["length"]
    client.auth.sign_up({"email": email, "password": PASSWORD})
    with pytest.raises(AuthApiError) as taken:
        client.auth.sign_up({"email": email, "password": PASSWORD})
    assert (taken.value.status, taken.value.code) == (422, "user_already_exists")
    with pytest.raises(AuthApiError) as wrong:
        client.auth.sign_in_with_password({"email": email, "password": "wrong horse"})
    assert (wrong.value.status, wrong.value.code) == (400, "invalid_credentials")
    with pytest.raises(AuthApiError) as anonymous:
        client.auth.sign_in_anonymously()
    assert (anonymous.value.status, anonymous.value.code) == (422, "anonymous_provider_disabled")
