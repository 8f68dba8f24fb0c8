"""Which browser pages may call the routes for users: those of CORS_ORIGIN, and no others."""

from __future__ import annotations

from flask import Flask, Response, current_app, request

from webhooks.http.guards import guard_of, signed_in_user
from webhooks.services import services

ALLOWED_HEADERS = "Authorization, Content-Type, X-Request-Id"
EXPOSED_HEADERS = "X-Request-Id, Retry-After"
PREFLIGHT_LIFETIME_SECONDS = 600


def register_cors(app: Flask) -> None:
    """Answer preflight requests before any guard sees them, and mark the answers."""
    app.before_request(_answer_options)
    app.after_request(_allow_origin)


def _answer_options() -> Response | None:
    # A preflight carries no token; it is answered here and so never reaches a view.
    if request.method != "OPTIONS" or request.url_rule is None:
        return None
    response = current_app.make_default_options_response()
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
    response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_LIFETIME_SECONDS)
    return response


def _allow_origin(response: Response) -> Response:
    if guard_of(current_app, request.blueprint) is not signed_in_user:
        return response
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin in services().config.cors_origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return response
