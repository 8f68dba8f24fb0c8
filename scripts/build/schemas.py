"""Reads supabase/schemas: what every function answers and every event carries, as JSON Schema.

A page there has `shapes`, `enums`, `answers` by function and `events` by name. A field is written
`name: type, sentence`; its type is

    uuid  time  text  int  number  bool  object  any  nothing
    sent/delivered/read                                   one of these words; `true/` is just true
    Message                                               a shape or an enum of any page
    [Message]  {int}                                      a list; an object with any keys

with a `?` after the type where it may be null, and after the name where it may be missing. No other
field is there: an answer with a field that is not written down fails the tests. `like: Message`
takes over the fields of a shape, `without: [message]` leaves some out, `either: [A, B]` is one or
the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "supabase" / "schemas"
Schema = dict[str, Any]

PLAIN: dict[str, Schema] = {
    "uuid": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "object": {"type": "object"},
    "any": {},
    "nothing": {"type": "null"},
}
WORDS = {"true": True, "false": False}


@dataclass
class Schemas:
    """All pages together; `$ref`s in answers and events go to `#/$defs/<shape>`."""

    shapes: dict[str, Schema] = field(default_factory=dict)
    answers: dict[str, Schema] = field(default_factory=dict)
    events: dict[str, Schema] = field(default_factory=dict)

    def document(self, root: Schema) -> Schema:
        """A schema as a separate document, with the shapes that it refers to."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": self.shapes,
            **root,
        }


@cache
def read_schemas(folder: Path = FOLDER) -> Schemas:
    """Every page of the folder.

    Raises:
        ValueError: a type cannot be read, or names a shape that is on no page.
    """
    schemas = Schemas()
    pages = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))]
    written = {name: fields for page in pages for name, fields in page.get("shapes", {}).items()}
    for page in pages:
        for name, values in page.get("enums", {}).items():
            about, words = values.pop("about"), list(values)
            meanings = "".join(f"\n- {word}: {said}" for word, said in values.items())
            schemas.shapes[name] = {
                "description": about + meanings, "type": "string", "enum": words, "title": name,
            }  # fmt: skip
        for name, fields in page.get("shapes", {}).items():
            schemas.shapes[name] = {"title": name, **_read_any(_take_over(fields, written))}
        for name, answer in page.get("answers", {}).items():
            schemas.answers[name] = _read_any(answer)
        for name, payload in page.get("events", {}).items():
            schemas.events[name] = _read_any(payload)
    known = set(schemas.shapes)
    used = set(re.findall(r"'#/\$defs/(\w+)'", repr(schemas)))
    if used - known:
        raise ValueError(f"supabase/schemas: there is no {', '.join(sorted(used - known))}")
    return schemas


def _take_over(fields: Any, written: dict[str, Any]) -> Any:
    """The fields with those of the shape that it is like."""
    if not isinstance(fields, dict) or "like" not in fields:
        return fields
    without = fields.get("without", [])
    taken = {key: one for key, one in written[fields["like"]].items() if key not in without}
    return taken | {key: one for key, one in fields.items() if key not in ("like", "without")}


def _read_any(written: Any) -> Schema:
    """A type, an object's fields, or a list of one or the other."""
    if isinstance(written, str):
        return _read_field(written)
    if isinstance(written, list):
        return {"type": "array", "items": _read_any(written[0])}
    if "either" in written:
        about = {"description": written["about"]} if "about" in written else {}
        return {**about, "anyOf": [_read_any(one) for one in written["either"]]}
    properties, required = {}, []
    for key, value in written.items():
        name = key.removesuffix("?")
        if name == "about":
            continue
        properties[name] = _read_any(value)
        if name == key:
            required.append(name)
    about = {"description": written["about"]} if "about" in written else {}
    return {
        **about, "type": "object", "properties": properties, "required": required,
        "additionalProperties": False,
    }  # fmt: skip


def _read_field(text: str) -> Schema:
    type_, _, sentence = text.partition(",")
    about = {"description": sentence.strip()} if sentence else {}
    return {**_read_type(type_.strip()), **about}


def _read_type(text: str) -> Schema:
    if text.endswith("?"):
        inner = _read_type(text[:-1])
        if isinstance(inner.get("type"), str) and "enum" not in inner:
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}
    if text[:1] + text[-1:] == "[]":
        return {"type": "array", "items": _read_type(text[1:-1])}
    if text[:1] + text[-1:] == "{}":
        return {"type": "object", "additionalProperties": _read_type(text[1:-1])}
    if "/" in text:
        words = [WORDS.get(word, word) for word in text.split("/") if word]
        return {"const": words[0]} if len(words) == 1 else {"enum": words}
    if text in PLAIN:
        return dict(PLAIN[text])
    if re.fullmatch(r"[A-Z]\w*", text):
        return {"$ref": f"#/$defs/{text}"}
    raise ValueError(f"supabase/schemas: `{text}` is no type")
