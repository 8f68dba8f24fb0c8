"""The API of this app in OpenAPI 3.1; a test keeps it in step with the routes.

Source: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from typing import Any

from webhooks.http.openapi_schemas import SCHEMAS, SEVERITIES

Json = dict[str, Any]

_REFUSALS = {
    "400": "The request cannot be read: BAD_REQUEST.",
    "401": "No token, or not a valid one of a signed-in user of this project: AUTH_REQUIRED.",
    "403": "Not for this user: FORBIDDEN, or the database function's own code.",
    "404": "There is no such conversation for this user: CONVERSATION_NOT_FOUND.",
    "409": "Not now: the error_code says why, for example PAYMENT_NOT_READY.",
    "413": "A body of more than 256 KiB: BODY_TOO_LARGE.",
    "422": "A value that cannot be: the error_code and details say which.",
    "429": "Too often: RATE_LIMITED, with Retry-After.",
    "500": "A fault of ours: INTERNAL.",
    "502": "Razorpay does not answer, or refuses: GATEWAY_UNAVAILABLE, GATEWAY_REFUSED.",
    "503": "What this depends on does not answer, or is switched off; try again later.",
}
# What every address can answer, whatever it is for.
_ALWAYS = ("400", "413", "500")
_USER = ("401", "403", "503")
_BEARER: list[Json] = [{"bearer": []}]


def document() -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parley webhooks",
            "version": "1",
            "description": "What has to talk to Razorpay, and the clean-up at login.",
        },
        "paths": _paths(),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a signed-in user of the project.",
                },
                "razorpay": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Razorpay-Signature",
                    "description": "Lower-case hex HMAC-SHA256 of the body's exact bytes.",
                },
            },
        },
    }


def _paths() -> Json:
    return {
        "/healthz": {"get": _operation("is_alive", "Is the process up?", "Status")},
        "/readyz": {"get": _operation("is_ready", "Can it serve users?", "Status", "503")},
        "/metrics": {"get": _metrics()},
        "/openapi.json": {"get": _operation("show_api", "This document.", "Document")},
        "/v1/session/cleanup": {
            "post": _for_user("clean_up_session", "Once after sign-in.", "Cleanup", "429")
        },
        "/v1/webhooks/razorpay": {"post": _webhook()},
        **_payment_paths(),
        **_ops_paths(),
    }


def _payment_paths() -> Json:
    at = "/v1/conversations/{conversation_id}"
    conversation = _path_parameter("conversation_id", {"type": "string", "format": "uuid"})
    order = _for_user(
        "order_payment",
        "The brand owner is about to pay: what Razorpay's checkout needs.",
        "PaymentOrder",
        *("404", "409", "422", "429", "502"),
    )
    refresh = _for_user(
        "refresh_payment", "Ask Razorpay now whether it is paid.", "Refresh", "404", "429"
    )
    callback = _for_user(
        "confirm_payment",
        "What the checkout told the browser; proves no capture, asks Razorpay at once.",
        "Refresh",
        *("404", "429"),
        body="CheckoutSuccess",
    )
    callback["responses"]["400"]["description"] = (
        "The body cannot be read: BAD_REQUEST; or Razorpay did not sign it: BAD_SIGNATURE."
    )
    return {
        f"{at}/payment-order": {"parameters": [conversation], "post": order},
        f"{at}/payment-refresh": {"parameters": [conversation], "post": refresh},
        f"{at}/payment-callback": {"parameters": [conversation], "post": callback},
    }


def _ops_paths() -> Json:
    row = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    page = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
    alerts = _for_user("show_alerts", "What needs a person, newest first.", "Alerts", "422")
    alerts["parameters"] = [
        _query_parameter("status", {"type": "string", "enum": ["open", "resolved"]}),
        _query_parameter("severity", {"type": "string", "enum": SEVERITIES}),
        _query_parameter("page_size", page),
        _query_parameter("before", {**row, "minimum": 1}),
    ]
    resolve = _for_user(
        "resolve_alert", "Take an alert off the list.", "Resolved", "404", "422", body="Note"
    )
    replay = _for_user("replay_event", "Process an event again.", "Processed", "404", "422")
    return {
        "/v1/ops/refunds": {
            "post": _for_user("send_refunds", "Send the refunds that are due.", "Sent")
        },
        "/v1/ops/alerts": {"get": alerts},
        "/v1/ops/alerts/{alert_id}/resolve": {
            "parameters": [_path_parameter("alert_id", row)],
            "post": resolve,
        },
        "/v1/ops/events/{event_row_id}/replay": {
            "parameters": [_path_parameter("event_row_id", row)],
            "post": replay,
        },
    }


def _webhook() -> Json:
    operation = _operation(
        "receive_event",
        "An event of Razorpay. 200 for all that is authentic and stored, also if of no use.",
        "Outcome",
        *("401", "503"),
        body="Event",
    )
    operation["security"] = [{"razorpay": []}]
    operation["responses"]["401"]["description"] = "Not signed with our secret: BAD_SIGNATURE."
    operation["parameters"] = [
        {
            "name": "X-Razorpay-Event-Id",
            "in": "header",
            "description": "One that is missing or odd is replaced by the hash of the body.",
            "schema": {"type": "string"},
        }
    ]
    return operation


def _metrics() -> Json:
    operation = _operation("show_metrics", "Numbers for Prometheus.", "Document")
    operation["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return operation


def _for_user(
    operation_id: str, summary: str, answer: str, *refusals: str, body: str | None = None
) -> Json:
    operation = _operation(operation_id, summary, answer, *_USER, *refusals, body=body)
    return {**operation, "security": _BEARER}


def _operation(
    operation_id: str, summary: str, answer: str, *refusals: str, body: str | None = None
) -> Json:
    responses = {"200": _response("It is done.", answer)}
    for status in sorted({*_ALWAYS, *refusals}):
        responses[status] = _response(_REFUSALS[status], "Refusal")
    for status in responses.keys() & {"429", "503"}:
        responses[status]["headers"]["Retry-After"] = {"schema": {"type": "string"}}
    operation: Json = {"operationId": operation_id, "summary": summary, "responses": responses}
    if body is not None:
        # A body all of whose parts may be left out may be left out itself.
        required = bool(SCHEMAS[body]["required"])
        operation["requestBody"] = {"required": required, "content": _json(body)}
    return operation


def _response(description: str, schema: str) -> Json:
    return {
        "description": description,
        "headers": {
            "X-Request-Id": {
                "description": "The same id is in every log line about the request.",
                "required": True,
                "schema": {"type": "string"},
            }
        },
        "content": _json(schema),
    }


def _json(schema: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _path_parameter(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}
