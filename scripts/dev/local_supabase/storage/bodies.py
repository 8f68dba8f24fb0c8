"""JSON that clients send, checked against a schema in the order and words of the real server's AJV.

A schema is a small part of JSON Schema. As there, a value of another type becomes the wanted one
when nothing is lost: the text "60" is the integer 60, null is an empty text, zero or false.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from scripts.dev.local_supabase.storage.errors import StorageError, bad_request

MAX_BODY = 1024 * 1024
Schema = Mapping[str, Any]

COERCED: dict[str, dict[Any, Any]] = {
    "string": {None: ""},
    "integer": {None: 0, True: 1, False: 0},
    "boolean": {"true": True, "false": False, 1: True, 0: False, None: False},
}


async def read_json(request: Request) -> Any:
    """The body as JSON; None when it is none or says that it is something else."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            said = "Request body is too large"
            raise StorageError(413, "FastifyError", "InvalidRequest", said)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return None
    if not body:
        said = "Body cannot be empty when content-type is set to 'application/json'"
        raise bad_request(said, "FastifyError")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        said = "Body is not valid JSON but content-type is set to 'application/json'"
        raise bad_request(said, "FastifyError") from error


def check(schema: Schema, value: Any, at: str = "body") -> Any:
    """The value in the schema's types. Raises StorageError with the first thing that is wrong."""
    kind = schema["type"]
    if value is None and schema.get("nullable"):
        return None
    value = _coerced(kind, value)
    if not _is(kind, value):
        raise bad_request(f"{at} must be {kind}")
    if "enum" in schema and value not in schema["enum"]:
        raise bad_request(f"{at} must be equal to one of the allowed values")
    if kind == "integer" and value < schema.get("minimum", value):
        raise bad_request(f"{at} must be >= {schema['minimum']}")
    if kind == "array":
        return _items(schema, value, at)
    if kind == "object":
        return _properties(schema, value, at)
    return value


def _coerced(kind: str, value: Any) -> Any:
    if kind == "integer" and isinstance(value, str | float):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() else value
    if kind == "string" and isinstance(value, bool | int | float):
        return json.dumps(value)
    if kind == "array" and not isinstance(value, list | dict) and value is not None:
        return [value]
    try:
        return COERCED.get(kind, {}).get(value, value)
    except TypeError:  # what has no hash is no key either
        return value


def _is(kind: str, value: Any) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    types = {"string": str, "boolean": bool, "array": list, "object": dict}
    return isinstance(value, types[kind])


def _items(schema: Schema, value: list[Any], at: str) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
    if len(value) > most:
        raise bad_request(f"{at} must NOT have more than {most} items")
    if len(value) < least:
        raise bad_request(f"{at} must NOT have fewer than {least} items")
    return [check(schema["items"], item, f"{at}/{i}") for i, item in enumerate(value)]


def _properties(schema: Schema, value: dict[str, Any], at: str) -> dict[str, Any]:
    for name in schema.get("required", ()):
        if name not in value:
            raise bad_request(f"{at} must have required property '{name}'")
    known = schema.get("properties", {})
    return {
        name: check(known[name], item, f"{at}/{name}") if name in known else item
        for name, item in value.items()
    }
