"""Broadcasts over HTTP: a batch, or one message."""

from __future__ import annotations

import json
from typing import Any

from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scripts.dev.local_supabase.realtime import authorization
from scripts.dev.local_supabase.realtime.authorization import Claims, Context, TokenError
from scripts.dev.local_supabase.realtime.frames import JSON, dumps, fan_out, user_broadcast
from scripts.dev.local_supabase.realtime.hub import MAX_PAYLOAD, Hub
from scripts.dev.local_supabase.realtime.listening import Topic

BLANK = "can't be blank"
INVALID = "is invalid"


class ApiResponse(JSONResponse):
    """JSON with the content type that the real server writes."""

    media_type = "application/json; charset=utf-8"

    def __init__(self, content: JSON, status_code: int = 200) -> None:
        super().__init__(content, status_code)


class RateLimit(BaseHTTPMiddleware):
    """Names the quota in headers, and answers 429 to a broadcast while the project is over it."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Answer one request."""
        rate = request.app.state.hub.rate
        if request.method == "POST" and rate.is_over:
            response: Response = ApiResponse({"message": "You have exceeded your rate limit"}, 429)
        else:
            response = await call_next(request)
        limit = str(rate.limit)
        response.headers.update(
            {"x-rate-limit": limit, "x-rate-limit-remaining": limit, "x-rate-rolling": "0"}
        )
        return response


async def ping(_request: Request) -> Response:
    """Answer that the server is there."""
    return ApiResponse({"message": "Success"})


async def broadcast_batch(request: Request) -> Response:
    """POST /api/broadcast: says 202 also when policies keep a private message from going out."""
    hub: Hub = request.app.state.hub
    claims = _claims(request)
    if claims is None:
        return ApiResponse({"message": "Unauthorized"}, 401)
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return ApiResponse({"errors": {"detail": "Bad Request"}}, 400)
    messages = body.get("messages") if isinstance(body, dict) else None
    if not messages:
        return ApiResponse({"errors": {"messages": [BLANK]}}, 422)
    if not isinstance(messages, list):
        return ApiResponse({"errors": {"messages": [INVALID]}}, 422)
    problems = [_problems(message) for message in messages]
    if any(problems):
        return ApiResponse({"errors": {"messages": problems}}, 422)
    may_write: dict[Topic, bool] = {}
    for message in messages:
        topic = Topic(message["topic"], message.get("private") in (True, "true"))
        if topic not in may_write:
            may_write[topic] = await _may_write(request, topic, claims)
        if may_write[topic]:
            meta = {"meta": {"id": message["id"]}} if message.get("id") else {}
            parts = {key: message[key] for key in ("event", "payload")}
            payload = {"type": "broadcast", **parts, **meta}
            hub.broadcast(topic, fan_out(topic.full_name, "broadcast", payload))
    return Response(status_code=202)


async def broadcast_one(request: Request) -> Response:
    """POST /api/broadcast/{topic}/events/{event}: the body is the payload, JSON or bytes."""
    hub: Hub = request.app.state.hub
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "application/octet-stream"):
        said = "Unsupported Media Type. Use application/json or application/octet-stream"
        return ApiResponse({"error": said}, 415)
    claims = _claims(request)
    if claims is None:
        return ApiResponse({"message": "Unauthorized"}, 401)
    data = await request.body()
    is_json = kind == "application/json"
    if is_json:
        try:
            json.loads(data.decode())
        except (ValueError, RecursionError):
            return ApiResponse({"errors": {"detail": "Bad Request"}}, 400)
    if len(data) > MAX_PAYLOAD:
        return ApiResponse({"errors": {"payload": ["Payload size exceeds tenant limit"]}}, 422)
    topic = Topic(request.path_params["topic"], request.query_params.get("private") == "true")
    if not await _may_write(request, topic, claims):
        return ApiResponse({"message": "Unauthorized"}, 403)
    event = request.path_params["event"]
    hub.broadcast(topic, user_broadcast(topic.full_name, event, data, is_json=is_json))
    return Response(status_code=202)


async def _may_write(request: Request, topic: Topic, claims: Claims) -> bool:
    if not topic.private:
        return True
    hub: Hub = request.app.state.hub
    context = Context(topic.name, claims, dict(request.headers))
    return (await authorization.write_policies(hub.pool, context)).broadcast


def _claims(request: Request) -> Claims | None:
    hub: Hub = request.app.state.hub
    bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer[2].strip() if bearer[0].lower() == "bearer" else request.headers.get("apikey")
    try:
        return authorization.verify(token or "", hub.settings.jwt_secret)
    except TokenError:
        return None


def _problems(message: JSON) -> dict[str, list[str]]:
    if not isinstance(message, dict):
        return {"topic": [BLANK], "event": [BLANK], "payload": [BLANK]}
    kinds: dict[str, type[Any]] = {"topic": str, "event": str, "payload": dict}
    problems = {}
    for key, kind in kinds.items():
        value = message.get(key)
        if value is None or value == "":
            problems[key] = [BLANK]
        elif not isinstance(value, kind):
            problems[key] = [INVALID]
    if not problems and len(dumps(message["payload"])) > MAX_PAYLOAD:
        problems["payload"] = ["Payload size exceeds tenant limit"]
    return problems
