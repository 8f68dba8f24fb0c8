"""The functions of the API as docs/API.md lists them, and how to call one over bare HTTP."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PAGE = Path(__file__).parents[2] / "docs" / "API.md"
NOBODY = str(uuid.UUID(int=1))
# A harmless value of each type that an argument has today; a new type needs its own.
HARMLESS: dict[str, Any] = {
    "uuid": NOBODY,
    "text": "x",
    "boolean": True,
    "integer": 1,
    "bigint": 1,
    "numeric": 1,
    "jsonb": {},
    "timestamptz": "2026-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Door:
    """One function: its arguments' types by name, which of them it needs, who may call it."""

    name: str
    arguments: dict[str, str]
    needed: tuple[str, ...]
    roles: tuple[str, ...]

    def harmless_arguments(self, conversation_id: str = NOBODY) -> dict[str, Any]:
        """Values for the needed arguments."""
        given = {name: HARMLESS[self.arguments[name]] for name in self.needed}
        return given | {name: conversation_id for name in given if name == "conversation_id"}


def read_doors() -> dict[str, Door]:
    """Every function of docs/API.md, by name."""
    doors = {}
    page = PAGE.read_text("utf-8")
    for name, inside, about in re.findall(
        r"^### \w+\n\n```\n(\w+)\(([^`]*)\) returns [^`]*```\n\n(.*)$", page, re.MULTILINE
    ):
        written = [line.strip(" ,") for line in inside.splitlines() if line.strip()]
        arguments = dict(line.partition(" = ")[0].split(" ", 1) for line in written)
        needed = tuple(line.split(" ")[0] for line in written if " = " not in line)
        roles = tuple(re.findall(r"\w+", about.rpartition("For: ")[2]))
        doors[name] = Door(name, arguments, needed, roles)
    return doors


def call(
    http: httpx.Client, headers: dict[str, str], function: str, /, **arguments: Any
) -> httpx.Response:
    """Call a function; the body is ASCII, so that it may hold half a surrogate pair."""
    return http.post(
        f"/rest/v1/rpc/{function}",
        headers={**headers, "Content-Type": "application/json"},
        content=json.dumps(arguments),
    )


def answer_of(response: httpx.Response) -> tuple[int, str]:
    """Status and error code."""
    return response.status_code, response.json()["code"]
