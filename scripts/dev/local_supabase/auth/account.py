"""What anybody may ask: sign up, sign in, stay in, look at oneself, sign out."""

from __future__ import annotations

from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scripts.dev.local_supabase.auth import forms, passwords, sessions, tokens, users
from scripts.dev.local_supabase.auth.context import Context, context_of, require_user
from scripts.dev.local_supabase.auth.errors import ApiError


async def sign_up(request: Request) -> Response:
    """POST /signup: a new user, confirmed and signed in at once."""
    context, body = context_of(request), await forms.read_body(request)
    email, data = forms.email_of(body), forms.field_of(body, "data", dict)
    if body.get("phone"):
        raise ApiError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not email:
        raise ApiError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    password = forms.text_of(body, "password")
    if not password:
        raise forms.invalid("Signup requires a valid password")
    password_hash = await context.hash_password(password)
    user_id = uuid4()
    metadata = (data or {}) | users.email_claims(user_id, email)
    failure = "Database error saving new user"
    async with users.saving(context.pool, failure, "user_already_exists") as db:
        await users.insert_user(db, user_id, email, password_hash, metadata)
        await users.update_user(db, user_id, confirm=True, user_metadata={"email_verified": True})
    return await _signed_in_answer(context, user_id, request)


async def token(request: Request) -> Response:
    """POST /token: a session for a password or for a refresh token."""
    grant = request.query_params.get("grant_type")
    if grant == "password":
        return await _password_grant(request)
    if grant == "refresh_token":
        return await _refresh_grant(request)
    if grant in ("pkce", "id_token", "web3"):
        raise ApiError(501, "not_implemented", f"The local stack does not do the grant {grant}.")
    raise ApiError(400, "invalid_credentials", "unsupported_grant_type")


async def _password_grant(request: Request) -> Response:
    context, body = context_of(request), await forms.read_body(request)
    email, password = forms.email_of(body), forms.text_of(body, "password")
    if not email:
        if body.get("phone"):
            raise ApiError(400, "phone_provider_disabled", "Phone logins are disabled")
        raise forms.invalid("missing email or phone")
    address = request.client.host if request.client else ""
    async with context.pool.connection() as db:
        account = await users.find_by_email(db, email)
    async with context.hashing:
        context.failures.check(email, address)
        stored = account["encrypted_password"] if account else None
        if not await passwords.is_right(stored, password) or account is None:
            context.failures.record(email, address)
            raise ApiError(400, "invalid_credentials", "Invalid login credentials")
    context.failures.forget(email, address)
    # Only whoever knows the password is told more.
    if account["is_banned"]:
        raise ApiError(400, "user_banned", "User is banned")
    if "email_confirmed_at" not in account["profile"]:
        raise ApiError(400, "email_not_confirmed", "Email not confirmed")
    return await _signed_in_answer(context, account["id"], request)


async def _signed_in_answer(context: Context, user_id: UUID, request: Request) -> Response:
    async with users.saving(context.pool, "Database error granting user") as db:
        session_id, started, refresh = await sessions.start_session(db, user_id, request)
        account = await users.find_by_id(db, user_id)
    if account is None:
        raise ApiError(400, "invalid_credentials", "Invalid login credentials")
    profile = account["profile"]
    answer = tokens.session_answer(context.settings, profile, session_id, started, refresh)
    return JSONResponse(answer)


async def _refresh_grant(request: Request) -> Response:
    context, body = context_of(request), await forms.read_body(request)
    used = forms.text_of(body, "refresh_token")
    if not used:
        raise forms.invalid("refresh_token required")
    account = None
    async with users.saving(context.pool, "Database error granting user") as db:
        session, fresh = await sessions.rotate(db, used)
        if session:
            account = await users.find_by_id(db, session["user_id"])
        if account and account["is_banned"]:
            raise ApiError(400, "user_banned", "Invalid Refresh Token: User Banned")
    if session is None or account is None:
        said = "Invalid Refresh Token: Refresh Token Not Found"
        raise ApiError(400, "refresh_token_not_found", said)
    if fresh is None:
        raise ApiError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    return JSONResponse(
        tokens.session_answer(
            context.settings, account["profile"], session["id"], session["started"], fresh
        )
    )


async def get_user(request: Request) -> Response:
    """GET /user: the signed-in user."""
    _, account = await require_user(request)
    settings = context_of(request).settings
    if tokens.bearer_claims(request, settings).get("aud") != tokens.AUDIENCE:
        raise forms.invalid("Token audience doesn't match request audience")
    return JSONResponse(account["profile"])


async def put_user(request: Request) -> Response:
    """PUT /user: the signed-in user's new e-mail (at once: no mail is sent), password or data."""
    context, body = context_of(request), await forms.read_body(request)
    session_id, account = await require_user(request)
    forms.refuse(body, "phone")
    email, password = forms.email_of(body), forms.text_of(body, "password")
    data = forms.field_of(body, "data", dict)
    password_hash = None
    if body.get("password") is not None:
        passwords.check_strength(password)
        async with context.hashing:
            if await passwords.is_right(account["encrypted_password"], password):
                said = "New password should be different from the old password."
                raise ApiError(422, "same_password", said)
        password_hash = await context.hash_password(password)
    async with users.saving(context.pool, "Error updating user") as db:
        await users.update_user(
            db, account["id"], email=email or None, password_hash=password_hash, user_metadata=data
        )
        if password_hash:
            await sessions.end_sessions(db, account["id"], session_id, "others")
        updated = await users.find_by_id(db, account["id"])
    return JSONResponse((updated or account)["profile"])


async def log_out(request: Request) -> Response:
    """POST /logout: end every session of the user, this one, or the others."""
    scope = request.query_params.get("scope") or "global"
    if scope not in ("global", "local", "others"):
        raise forms.invalid(f'Unsupported logout scope "{scope}"')
    session_id, account = await require_user(request)
    async with users.saving(context_of(request).pool, "Error logging out user") as db:
        await sessions.end_sessions(db, account["id"], session_id, scope)
    return Response(status_code=204)
