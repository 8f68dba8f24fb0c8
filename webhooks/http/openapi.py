"""The API of this app in OpenAPI 3.1: spectree writes it from what the routes declare.

The declarations only describe: each route checks what it is sent, and refuses in our own shape.
Source: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData
from spectree.plugins.flask_plugin import FlaskPlugin

Json = dict[str, Any]
Count = Annotated[int, Field(ge=0)]
View = TypeVar("View", bound=Callable[..., Any])

_REFUSALS = {
    400: "The request cannot be read: BAD_REQUEST; or the signature is wrong: BAD_SIGNATURE.",
    401: "No token, or not a valid one of a signed-in user of this project: AUTH_REQUIRED.",
    403: "Not for this user: FORBIDDEN, or the database function's own code.",
    404: "There is no such row for this user: CONVERSATION_NOT_FOUND and the like.",
    409: "Not now: the error_code says why, for example PAYMENT_NOT_READY.",
    413: "A body of more than 256 KiB: BODY_TOO_LARGE.",
    422: "An invalid value: the error_code and details say which.",
    429: "Too often: RATE_LIMITED, with Retry-After.",
    500: "An error in the app: INTERNAL.",
    502: "Razorpay does not answer, or refuses: GATEWAY_UNAVAILABLE, GATEWAY_REFUSED.",
    503: "A server behind this does not answer, or is switched off; try again later.",
}
# Statuses of every route, and of every route for users.
_ALWAYS = (400, 413, 500)
_FOR_USERS = (401, 403, 503)
_TEXT: Json = {"schema": {"type": "string"}}
_REQUEST_ID = {
    **_TEXT,
    "description": "The same id is in every log line about the request.",
    "required": True,
}


class Closed(BaseModel):
    """An object without other keys."""

    model_config = ConfigDict(extra="forbid")


class Refusal(Closed):
    """The body of every refusal."""

    success: Literal[False]
    message: str = Field(description="For people.")
    error_code: str = Field(pattern="^[A-Z]+(_[A-Z]+)*$")
    details: Json


class Text(RootModel[str]):
    """An answer as plain text."""


class _Describing(FlaskPlugin):
    """Describes the routes of the app and changes nothing about them."""

    def validate(self, func: Callable[..., Any], *_declared: Any, **ids: Any) -> Any:
        return func(**ids)

    def get_func_operation_id(self, func: Callable[..., Any], path: str, method: str) -> str:
        return func.__name__


_api = SpecTree(
    backend=_Describing,
    title="Parley webhooks",
    version="1",
    description="Payments with Razorpay, and the clean-up at login.",
    annotations=False,
    validation_error_status=400,
    validation_error_model=Refusal,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _outer, inner: inner,
    security_schemes=[
        SecurityScheme(
            "bearer",
            SecuritySchemeData(
                SecureType.HTTP,
                "The access token of a signed-in user of the project.",
                scheme="bearer",
                bearer_format="JWT",
            ),
        ),
        SecurityScheme(
            "razorpay",
            SecuritySchemeData(
                SecureType.API_KEY,
                "Lower-case hex HMAC-SHA256 of the body's exact bytes.",
                "X-Razorpay-Signature",
                InType.HEADER,
            ),
        ),
    ],
)


def describe(
    answer: Any, *refusals: int, guarded_by: str | None = None, **takes: Any
) -> Callable[[View], View]:
    """Declare a route's answer, its refusals, and the json, query and headers that it takes."""
    statuses = sorted({*_ALWAYS, *refusals})
    answers = {f"HTTP_{status}": (Refusal, _REFUSALS[status]) for status in statuses}
    return _api.validate(
        resp=Response(HTTP_200=(answer, "It is done."), **answers),
        security=[{guarded_by: []}] if guarded_by else None,
        **takes,
    )


def describe_for_user(answer: Any, *refusals: int, **takes: Any) -> Callable[[View], View]:
    """The same for a route that `signed_in_user` guards."""
    return describe(answer, *_FOR_USERS, *refusals, guarded_by="bearer", **takes)


@cache
def document() -> Json:
    """The whole document, written from the routes of the present app."""
    said: Json = _api.spec
    for operation in (operation for item in said["paths"].values() for operation in item.values()):
        del operation["description"]  # what follows a docstring's first line is for developers
        for parameter in operation["parameters"]:
            if parameter["schema"].get("format") == "int32":  # said of every number
                del parameter["schema"]["format"]
        for status, response in operation["responses"].items():
            response["headers"] = {"X-Request-Id": _REQUEST_ID}
            if status in ("429", "503"):
                response["headers"]["Retry-After"] = _TEXT
            if response["content"] == _json("Text"):
                response["content"] = {"text/plain": _TEXT}
        # A body without a required key may be left out.
        for name, schema in said["components"]["schemas"].items():
            if operation.get("requestBody", {}).get("content") == _json(name):
                operation["requestBody"]["required"] = "required" in schema
    return said


def _json(schema: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
