"""The routes: sign up, sign in, sign out, user, refresh; and two for operators."""

from __future__ import annotations

from uuid import UUID, uuid4

from psycopg.rows import DictRow
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scripts.dev.local_supabase.auth import forms, tokens, users
from scripts.dev.local_supabase.auth.forms import ApiError
from scripts.dev.local_supabase.config import Settings


async def sign_up(request: Request) -> Response:
    """POST /signup: a new user, confirmed and signed in at once."""
    asked = await forms.read(request, forms.SignUp)
    if asked.phone:
        raise ApiError(400, "phone_provider_disabled", "Phone signups are disabled")
    if not asked.email:
        raise ApiError(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    if not asked.password:
        raise forms.invalid("Signup requires a valid password")
    forms.check_strength(asked.password)
    password_hash = await tokens.hash_password(asked.password)
    user_id = uuid4()
    claims = users.email_claims(user_id, asked.email) | {"email_verified": True}
    failure = "Database error saving new user"
    async with users.saving(_pool(request), failure, "user_already_exists") as db:
        await users.insert_user(
            db,
            user_id,
            asked.email,
            password_hash,
            confirmed=True,
            user_metadata=(asked.data or {}) | claims,
        )
    return await _signed_in_answer(request, user_id)


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
    asked = await forms.read(request, forms.Credentials)
    if not asked.email:
        if asked.phone:
            raise ApiError(400, "phone_provider_disabled", "Phone logins are disabled")
        raise forms.invalid("missing email or phone")
    async with _pool(request).connection() as db:
        account = await users.find_by_email(db, asked.email)
    stored = account and account["encrypted_password"]
    if account is None or not await tokens.is_right(stored or "", asked.password or ""):
        raise ApiError(400, "invalid_credentials", "Invalid login credentials")
    if "email_confirmed_at" not in account["profile"]:
        raise ApiError(400, "email_not_confirmed", "Email not confirmed")
    return await _signed_in_answer(request, account["id"])


async def _signed_in_answer(request: Request, user_id: UUID) -> Response:
    async with users.saving(_pool(request), "Database error granting user") as db:
        session_id, started, refresh = await users.start_session(db, user_id, request)
        account = await users.find_by_id(db, user_id)
    if account is None:
        raise ApiError(400, "invalid_credentials", "Invalid login credentials")
    return JSONResponse(
        tokens.session_answer(_settings(request), account["profile"], session_id, started, refresh)
    )


async def _refresh_grant(request: Request) -> Response:
    used = (await forms.read(request, forms.Refresh)).refresh_token
    if not used:
        raise forms.invalid("refresh_token required")
    account = None
    async with users.saving(_pool(request), "Database error granting user") as db:
        session, fresh = await users.rotate(db, used)
        if session:
            account = await users.find_by_id(db, session["user_id"])
    if session is None or account is None:
        said = "Invalid Refresh Token: Refresh Token Not Found"
        raise ApiError(400, "refresh_token_not_found", said)
    if fresh is None:
        raise ApiError(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    return JSONResponse(
        tokens.session_answer(
            _settings(request), account["profile"], session["id"], session["started"], fresh
        )
    )


async def get_user(request: Request) -> Response:
    """GET /user: the signed-in user."""
    _, account = await _require_user(request)
    return JSONResponse(account["profile"])


async def log_out(request: Request) -> Response:
    """POST /logout: end every session of the user, or this one."""
    scope = request.query_params.get("scope") or "global"
    if scope not in ("global", "local"):
        raise ApiError(501, "not_implemented", f"The local stack does not do the scope {scope}.")
    session_id, account = await _require_user(request)
    async with users.saving(_pool(request), "Error logging out user") as db:
        await users.end_sessions(db, account["id"], session_id, scope)
    return Response(status_code=204)


async def create_user(request: Request) -> Response:
    """POST /admin/users: a new user, without a session."""
    _require_admin(request)
    asked = await forms.read(request, forms.NewUser)
    if asked.phone:
        raise ApiError(501, "not_implemented", "The local stack does not do phone.")
    if not asked.email:
        raise forms.invalid("Cannot create a user without either an email or phone")
    if asked.password and asked.password_hash:
        raise forms.invalid("Only a password or a password hash should be provided")
    password_hash = asked.password_hash
    if password_hash and not password_hash.startswith("$argon2id$"):
        raise ApiError(501, "not_implemented", "The local stack takes hashes of argon2id only.")
    if not password_hash:
        # Without a password nobody can sign in with one.
        password = asked.password or str(uuid4())
        forms.check_strength(password)
        password_hash = await tokens.hash_password(password)
    user_id, confirmed = asked.id or uuid4(), bool(asked.email_confirm)
    verified = {"email_verified": True} if confirmed else {}
    async with users.saving(_pool(request), "Database error creating new user") as db:
        await users.insert_user(
            db,
            user_id,
            asked.email,
            password_hash,
            confirmed=confirmed,
            user_metadata=(asked.user_metadata or {}) | verified,
            app_metadata=asked.app_metadata,
        )
        account = await users.find_by_id(db, user_id)
    return JSONResponse(account["profile"] if account else {})


async def delete_user(request: Request) -> Response:
    """DELETE /admin/users/{id}: the user and all that hangs on the row."""
    _require_admin(request)
    async with users.saving(_pool(request), "Database error deleting user") as db:
        gone = await db.execute(
            "delete from auth.users where id = %s", (request.path_params["user_id"],)
        )
    if not gone.rowcount:
        raise ApiError(404, "user_not_found", "User not found")
    return JSONResponse({})


def _require_admin(request: Request) -> None:
    claims = tokens.bearer_claims(request, _settings(request))
    if claims.get("role") != "service_role":
        raise ApiError(403, "not_admin", "User not allowed")


async def _require_user(request: Request) -> tuple[str | None, DictRow]:
    """The session and the account that the request's access token stands for."""
    claims = tokens.bearer_claims(request, _settings(request))
    try:
        user_id, session_id = UUID(claims["sub"]), claims.get("session_id")
    except KeyError:
        raise ApiError(403, "bad_jwt", "invalid claim: missing sub claim") from None
    except ValueError:
        raise ApiError(400, "bad_jwt", "invalid claim: sub claim must be a UUID") from None
    async with _pool(request).connection() as db:
        account = await users.find_by_id(db, user_id)
        if account is None:
            raise ApiError(403, "user_not_found", "User from sub claim in JWT does not exist")
        if session_id and not await users.has_session(db, user_id, session_id):
            said = "Session from session_id claim in JWT does not exist"
            raise ApiError(403, "session_not_found", said)
    if claims.get("aud") != tokens.AUDIENCE:
        raise forms.invalid("Token audience doesn't match request audience")
    return session_id, account


def _pool(request: Request) -> users.Pool:
    pool: users.Pool = request.app.state.pool
    return pool


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
