"""Every refusal of the app: one exception, one JSON shape, never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from webhooks.logs import log_event

RETRY_AFTER_SECONDS = 5

_CODES = {
    400: ("BAD_REQUEST", "The request could not be read."),
    404: ("NOT_FOUND", "There is nothing at this address."),
    405: ("METHOD_NOT_ALLOWED", "This address does not answer that method."),
    413: ("BODY_TOO_LARGE", "The request body is too large."),
}


class ApiError(Exception):
    """A refusal that becomes the answer; `message` is for people, `error_code` for programs."""

    def __init__(
        self,
        status: int,
        error_code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {error_code}")
        self.status = status
        self.error_code = error_code
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def auth_required(message: str) -> ApiError:
    """The caller is not known: 401 with the challenge of RFC 6750."""
    return ApiError(401, "AUTH_REQUIRED", message, headers={"WWW-Authenticate": "Bearer"})


def unavailable(message: str, details: Mapping[str, Any] | None = None) -> ApiError:
    """A server that we depend on does not answer: 503, try again in a few seconds."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return ApiError(503, "SERVICE_UNAVAILABLE", message, details, headers)


def payments_off() -> ApiError:
    """This app has no Razorpay settings: 503, until an operator sets them."""
    return ApiError(503, "PAYMENTS_OFF", "Payments are switched off here: set Razorpay's keys.")


def internal_error() -> ApiError:
    """An error in the app: 500; only the log line says which."""
    return ApiError(500, "INTERNAL", "Something went wrong on our side. Please try again.")


def register_error_handlers(app: Flask) -> None:
    """Make every failure of every route answer in the one shape."""
    app.register_error_handler(ApiError, answer)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unforeseen)


def answer(error: ApiError) -> Response:
    """The response for a refusal: `{"success": false, "message", "error_code", "details"}`."""
    response = jsonify(
        success=False,
        message=error.message,
        error_code=error.error_code,
        details=error.details,
    )
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def _answer_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        return answer(internal_error())
    code, message = _CODES.get(status, ("REQUEST_REFUSED", "The request was refused."))
    kept = ("Allow", "Retry-After")
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return answer(ApiError(status, code, message, headers=headers))


def _answer_unforeseen(error: Exception) -> Response:
    log_event("unforeseen_error", logging.ERROR, error=error, exception=type(error).__name__)
    return answer(internal_error())
