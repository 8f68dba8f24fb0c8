"""The one address of the stack: hands each path to its protocol, turns API keys into tokens.

On Supabase this is the API gateway (Kong or Envoy). A protocol's app never sees its prefix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.dev.local_supabase.config import DEMO_PUBLISHABLE_KEY, DEMO_SECRET_KEY, Settings

# (prefix that clients use, protocol, what the protocol's own server calls it)
ROUTES = (
    ("/rest/v1", "rest", ""),
    ("/auth/v1", "auth", ""),
    ("/storage/v1", "storage", ""),
    ("/realtime/v1/websocket", "realtime", "/socket/websocket"),
    ("/realtime/v1/api", "realtime", "/api"),
    # Realtime's own paths, for recordings made against it without a gateway.
    ("/socket", "realtime", "/socket"),
    ("/api", "realtime", "/api"),
)
# Only the gateway's own paths exchange API keys; the servers behind it know nothing of them.
BARE_PREFIXES = ("/socket", "/api")

JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")

NOT_HERE = {
    "/functions/v1": "Edge Functions",
    "/graphql/v1": "GraphQL",
    "/realtime/v1": "This part of Realtime",
}


class Gateway:
    """An ASGI app over the apps of the protocols."""

    def __init__(self, settings: Settings, protocols: Mapping[str, ASGIApp]) -> None:
        self._protocols = protocols
        self._keys = {
            DEMO_PUBLISHABLE_KEY: settings.api_key("anon"),
            DEMO_SECRET_KEY: settings.api_key("service_role"),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one websocket."""
        path: str = scope["path"]
        for prefix, protocol, own_prefix in ROUTES:
            if path == prefix or path.startswith(prefix + "/"):
                if scope["type"] == "websocket" and protocol != "realtime":
                    break
                inner = dict(scope)
                if prefix not in BARE_PREFIXES:
                    self._exchange_keys(inner)
                _move(inner, prefix, own_prefix)
                await self._protocols[protocol](inner, receive, send)
                return
        await _answer(scope)(scope, receive, send)

    def _exchange_keys(self, scope: Scope) -> None:
        """Give the protocol the JWT that stands behind an API key, as the platform does."""
        headers = [(name.lower(), value) for name, value in scope["headers"]]
        sent = {name: value.decode("latin-1") for name, value in headers}
        key = sent.get(b"apikey", "")
        bearer = re.sub(r"^[Bb]earer +", "", sent.get(b"authorization", ""))
        token = self._keys.get(bearer or key)
        if token is None and not bearer and JWT.fullmatch(key):
            token = key
        if token:
            headers = [pair for pair in headers if pair[0] != b"authorization"]
            headers.append((b"authorization", f"Bearer {token}".encode("latin-1")))
            scope["headers"] = headers
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name == "apikey" and value in self._keys for name, value in query):
            scope["query_string"] = urlencode(
                [(n, self._keys.get(v, v) if n == "apikey" else v) for n, v in query]
            ).encode()


def _move(scope: Scope, prefix: str, own_prefix: str) -> None:
    path = own_prefix + scope["path"][len(prefix) :]
    scope["path"] = path or "/"
    raw = scope.get("raw_path")
    if raw is not None:
        scope["raw_path"] = own_prefix.encode() + raw[len(prefix) :] or b"/"


def _answer(scope: Scope) -> JSONResponse:
    """The answer outside the protocols; it also refuses a websocket."""
    path: str = scope["path"]
    if path == "/health" and scope["type"] == "http":
        return JSONResponse({"status": "ok"})
    for prefix, name in NOT_HERE.items():
        if path == prefix or path.startswith(prefix + "/"):
            said = f"{name} is not part of the local stack: use `supabase start` or a project."
            return JSONResponse({"error": "not_implemented", "message": said}, status_code=501)
    said = "No such path: the local stack serves /rest, /auth, /storage and /realtime, each /v1."
    if scope["type"] == "websocket":
        said = "No such path: websockets are served at /realtime/v1/websocket."
    return JSONResponse({"error": "not_found", "message": said}, status_code=404)
