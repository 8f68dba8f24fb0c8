"""Shows supabase/schemas on docs/API.md: what functions answer and events carry, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scripts.build.docs.markdown import table
from scripts.build.schemas import Schema, read_schemas


def render_answer(function: str) -> Iterable[str]:
    """The answer of a function: the name of a shape, or its fields."""
    schema = read_schemas().answers.get(function)
    if schema is not None:
        yield from _render("Answer", schema)


def render_events() -> Iterable[str]:
    """The payload of each event."""
    yield "### Payloads"
    for name, schema in read_schemas().events.items():
        yield from _render(f"`{name}`", schema)


def render_shapes() -> Iterable[str]:
    """Every shape and every closed set, by name."""
    for name, schema in sorted(read_schemas().shapes.items()):
        yield f"### {name}"
        about, *meanings = schema["description"].splitlines()
        yield about
        if "enum" in schema:
            words = (line.removeprefix("- ").partition(": ") for line in meanings)
            yield table(("value", "meaning"), ((f"`{word}`", said) for word, _, said in words))
        else:
            yield _fields(schema)


def _render(title: str, schema: Schema) -> Iterable[str]:
    if schema.get("type") == "object" and "properties" in schema:
        yield f"{title}:"
        yield _fields(schema)
    else:
        yield f"{title}: {_type(schema)}."


def _fields(schema: Schema) -> str:
    required = schema["required"]
    return table(
        ("field", "type", "meaning"),
        (
            (
                f"`{name}`" + ("" if name in required else " (may be missing)"),
                _type(one),
                one.get("description", ""),
            )
            for name, one in schema["properties"].items()
        ),
    )


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{_word(one)}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{_word(schema['const'])}`"
    if "properties" in schema:
        return f"`{{{', '.join(schema['properties'])}}}`"
    kinds = schema.get("type", "anything")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_plain(kind, schema) for kind in kinds)


def _plain(kind: str, schema: Schema) -> str:
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    if kind == "string":
        return {"uuid": "uuid", "date-time": "timestamptz"}.get(schema.get("format", ""), "text")
    return kind


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
