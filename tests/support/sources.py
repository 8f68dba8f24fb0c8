"""Reads supabase/functions_sql the way a person skims it: what is made, granted and said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from scripts.build.build_migrations import Source, read_sources

# Comments, strings, quoted names and dollar-quoted bodies of PostgreSQL, in one alternation.
TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<string>\be'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')
    | (?P<quoted>"[^"]*")
    | (?P<open>\$\w*\$)(?P<body>.*?)(?P=open)
    """,
    re.DOTALL | re.VERBOSE,
)
CREATE = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?P<kind>function|view|trigger|policy)\s+"
    r"(?P<name>[\w.]+)(?P<rest>[^;]*)"
)
TABLE = re.compile(r"\bon\s+(?P<table>\w+\.\w+)")
GRANT = re.compile(
    r"\bgrant\s+execute\s+on\s+function\s+(?P<functions>[^;]+?)\s+to\s+(?P<roles>[\w,\s]+);"
)
# Not RPCs but what PostgREST embeds rows by.
RELATIONSHIPS = "30_chat/relationships.sql"
GRANTED = re.compile(r"\b(\w+\.\w+)\s*\(")


@dataclass(frozen=True)
class Made:
    """One object that a source makes; `table` is set for triggers and policies."""

    kind: str
    name: str
    table: str | None
    source: Source


@cache
def blank(text: str, *kinds: str) -> str:
    """The text with tokens of these kinds as blanks, line by line where it was.

    Kinds: `comment`, `string` (a body's strings too) and `body` (whole dollar-quoted bodies).
    """

    def replace(token: re.Match[str]) -> str:
        kind = token.lastgroup or ""
        if token["open"]:
            mark, body = token["open"], token["body"]
            inner = _blanks(body) if "body" in kinds else blank(body, *kinds)
            return mark + inner + mark
        return _blanks(token[0]) if kind in kinds else token[0]

    return TOKEN.sub(replace, text)


def _blanks(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def find_made(source: Source) -> list[Made]:
    """What one source makes, in its order."""
    outline = blank(source.text, "comment", "string", "body")
    made = []
    for found in CREATE.finditer(outline):
        table = None
        if found["kind"] in ("trigger", "policy"):
            on = TABLE.search(found["rest"])
            table = on["table"] if on else None
        made.append(Made(found["kind"], found["name"], table, source))
    return made


def all_made() -> list[Made]:
    """What all sources make."""
    return [made for source in read_sources() for made in find_made(source)]


def granted_functions() -> set[tuple[str, str]]:
    """Pairs of function and role that the sources grant EXECUTE to."""
    return {grant for source in read_sources() for grant in _grants(source)}


def _grants(source: Source) -> Iterator[tuple[str, str]]:
    for grant in GRANT.finditer(blank(source.text, "comment", "string", "body")):
        for name in GRANTED.findall(grant["functions"]):
            for role in grant["roles"].split(","):
                yield name, role.strip()
