"""Reads requests, refuses bad ones in GoTrue's form, and never answers 500."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
)
from starlette.requests import Request

MAX_BODY = 1_048_576  # bytes
MIN_PASSWORD = 6  # of `supabase start`
MAX_PASSWORD = 72  # GoTrue's, from bcrypt
# Source: the "email" format of HTML, which GoTrue checks too.
EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
# A NUL in JSON text, not a backslash followed by "u0000": PostgreSQL can store neither kind.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class ApiError(Exception):
    """An answer other than success: HTTP status, GoTrue's name of the error, a sentence."""

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": status, "error_code": code, "msg": message, **extra}


def invalid(message: str) -> ApiError:
    """The refusal of a value."""
    return ApiError(400, "validation_failed", message)


def _email(text: str) -> str:
    email = text.strip().lower()
    if email and not EMAIL.fullmatch(email):
        raise ValueError("Unable to validate email address: invalid format")
    return email


# The columns are varchar(255).
Text = Annotated[StrictStr, Field(max_length=255)]


class Credentials(BaseModel):
    """The name of a login and its password."""

    email: Annotated[Text, AfterValidator(_email)] | None = None
    phone: Text | None = None
    password: Text | None = None


class SignUp(Credentials):
    """A new user."""

    data: dict[str, Any] | None = None


class NewUser(Credentials):
    """A new user as an operator makes one; GoTrue's other fields are refused."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    password_hash: Text | None = None
    email_confirm: StrictBool | None = None
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None


class Refresh(BaseModel):
    """A refresh token."""

    refresh_token: Text | None = None


Form = TypeVar("Form", bound=BaseModel)


async def read(request: Request, form: type[Form]) -> Form:
    """The JSON object that was sent; an empty body is an empty object."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise ApiError(413, "validation_failed", f"Send at most {MAX_BODY} bytes.")
    try:
        body = json.loads(raw or b"{}")
        text = json.dumps(body, allow_nan=False, ensure_ascii=False)
        text.encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise ApiError(400, "bad_json", "Could not parse request body as JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "bad_json", "Could not parse request body as JSON: send an object")
    if NUL.search(text):
        raise invalid("Values must not contain the NUL character (\\u0000).")
    try:
        return form.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def check_strength(password: str) -> None:
    """Refuse a password that is too short or too long."""
    if len(password) < MIN_PASSWORD:
        message = f"Password should be at least {MIN_PASSWORD} characters."
        raise ApiError(422, "weak_password", message, weak_password={"reasons": ["length"]})
    if len(password.encode()) > MAX_PASSWORD:
        raise invalid(f"Password cannot be longer than {MAX_PASSWORD} characters")
