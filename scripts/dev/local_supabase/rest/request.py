"""One request, read and checked as far as that goes without knowing what it is for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from scripts.dev.local_supabase.rest.catalog import SCHEMA, SEARCH_PATH, Catalog, Function
from scripts.dev.local_supabase.rest.database import HOISTED, Transaction
from scripts.dev.local_supabase.rest.errors import ApiError
from scripts.dev.local_supabase.rest.negotiate import Preferences, read_range
from scripts.dev.local_supabase.rest.query import Query


@dataclass(frozen=True)
class RestRequest:
    """A request whose token is good. Header names are in lower case."""

    method: str
    path: str
    query_string: bytes
    headers: Mapping[str, str]
    body: bytes
    claims: Mapping[str, Any]
    preferences: Preferences
    safeupdate: bool

    @property
    def role(self) -> str:
        """The database role that the request runs as."""
        return str(self.claims["role"])

    @property
    def is_read(self) -> bool:
        """Whether it is a GET or a HEAD."""
        return self.method in ("GET", "HEAD")

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return self.headers.get("content-type", "application/json").split(";")[0].strip().lower()

    def require_known_schema(self) -> None:
        """The profile headers may only name the exposed schema. Raises ApiError 406."""
        name = self.headers.get("accept-profile" if self.is_read else "content-profile", SCHEMA)
        if name != SCHEMA:
            hint = f"Only the following schemas are exposed: {SCHEMA}"
            raise ApiError(406, "PGRST106", f"Invalid schema: {name}", hint=hint)

    def page(self, query: Query, max_rows: int) -> tuple[int, int]:
        """The (limit, offset) that is asked for; a Range header counts for GET only."""
        header = self.headers.get("range") if self.method == "GET" else None
        return read_range(header, query.limits.get(()), query.offsets.get(()), max_rows)

    def transaction(
        self, catalog: Catalog, *, read_only: bool, function: Function | None = None
    ) -> Transaction:
        """The settings that the database sees, those of the role and the function among them."""
        cookies = SimpleCookie(self.headers.get("cookie", ""))
        settings = dict(catalog.roles.get(self.role, {}))
        if function is not None:
            settings |= {n: v for n, v in function.settings.items() if n in HOISTED}
        isolation = settings.pop("default_transaction_isolation", "read committed")
        settings |= {
            "search_path": SEARCH_PATH,
            "role": self.role,
            "request.jwt.claims": _json(self.claims),
            "request.method": self.method,
            "request.path": self.path,
            "request.headers": _json({n: v for n, v in self.headers.items() if n != "cookie"}),
            "request.cookies": _json({name: cookie.value for name, cookie in cookies.items()}),
        }
        timezone = self.preferences["timezone"]
        if timezone:
            settings["timezone"] = timezone
        return Transaction(settings, read_only, isolation)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
