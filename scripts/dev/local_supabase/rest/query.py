"""Reads the query string as a whole; what a value means is for `grammar`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote

from scripts.dev.local_supabase.rest.grammar import (
    OPERATORS,
    Column,
    Embed,
    Field,
    Filter,
    Logic,
    Order,
    Path,
    Reader,
)


@dataclass
class Query:
    """Everything the query string asks for; a path leads to an embedded relation."""

    canonical: str
    arguments: list[tuple[str, str]] = field(default_factory=list)
    select: tuple[Column | Embed, ...] = ()
    columns: list[str] | None = None
    on_conflict: list[str] = field(default_factory=list)
    filters: list[tuple[Path, Filter]] = field(default_factory=list)
    logic: list[tuple[Path, Logic]] = field(default_factory=list)
    order: list[tuple[Path, list[Order]]] = field(default_factory=list)
    limits: dict[Path, int] = field(default_factory=dict)
    offsets: dict[Path, int] = field(default_factory=dict)


def parse_query(raw: bytes, *, takes_arguments: bool) -> Query:
    """Parse a raw query string; `takes_arguments`: a name without operator is an RPC argument."""
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors="replace")
    query = Query(canonical=_canonical(raw))
    selected = next((value for key, value in pairs if key == "select"), "")
    query.select = tuple(Reader("select parameter", selected).select_items()) if selected else ()
    query.select = query.select or (Column(Field("*")),)
    for key, value in pairs:
        path = tuple(key.split("."))
        if key == "select":
            continue
        if key == "on_conflict":
            query.on_conflict = Reader("on_conflict parameter", value).names()
        elif key == "columns":
            query.columns = Reader("columns parameter", value).names()
        elif path[-1] in ("and", "or"):
            negated = path[-2:-1] == ("not",)
            # The operator is part of what PostgREST parses, so columns count from its start.
            reader = Reader("logic tree", path[-1] + value, shown=value)
            query.logic.append((path[: -2 if negated else -1], reader.whole_logic(negated)))
        elif path[-1] == "order":
            query.order.append((path[:-1], Reader("order", value).order_terms()))
        elif path[-1] in ("limit", "offset"):
            if re.fullmatch(r"\s*-?\d+\s*", value):
                numbers = query.limits if path[-1] == "limit" else query.offsets
                numbers[path[:-1]] = int(value)
        elif takes_arguments and not _has_operator(value):
            query.arguments.append((key, value))
        else:
            names, arrows = Reader("tree path", key).path()
            found = Reader("filter", value).filter_of(Field(names[-1], arrows))
            query.filters.append((names[:-1], found))
    return query


def _has_operator(value: str) -> bool:
    return re.match(rf"(not\.|({'|'.join(OPERATORS)})(\(\w+\))?\.)", value) is not None


def _canonical(raw: bytes) -> str:
    """The query string in the form of Content-Location: sorted by name, equal names joined.

    PostgREST encodes the UTF-8 of each byte, so letters beyond ASCII are encoded twice.
    """
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    joined: dict[str, list[str]] = {}
    for key, value in pairs:
        joined.setdefault(key, []).append(quote(value, safe=""))
    return "&".join(f"{quote(key, safe='')}={','.join(joined[key])}" for key in sorted(joined))
