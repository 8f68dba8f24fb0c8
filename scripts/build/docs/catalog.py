"""Reads the catalog of a database with the sources: functions, tables, grants, settings.

The catalog is asked, not the SQL text, because it has the truth about types, defaults and rights.
Only what people wrote for people, the comments above functions, comes from the sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from scripts.build.build_migrations import Source

FUNCTIONS = """
select
  p.pronamespace::regnamespace::text as schema,
  p.proname as name,
  p.prosecdef as is_definer,
  p.prosrc as body,
  pg_get_function_result(p.oid) as result,
  array(
    select a.grantee::regrole::text
    from aclexplode(p.proacl) as a
    where a.grantee <> p.proowner
    order by 1
  ) as roles,
  coalesce(
    (
      select json_agg(
        json_build_object(
          'name', a.name, 'type', format_type(a.type, null),
          'default', pg_get_function_arg_default(p.oid, a.place::integer)
        ) order by a.place
      )
      from unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes)
        with ordinality as a (name, type, mode, place)
      where coalesce(a.mode, 'i') in ('i', 'b', 'v') and a.name is not null
    ),
    '[]'
  ) as arguments
from pg_catalog.pg_proc as p
where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
  -- Whose argument has no name is a relationship, and no RPC.
  and (p.pronargs = 0 or p.proargnames is not null)
order by 1, 2;
"""
RELATIONS = """
select
  c.relnamespace::regnamespace::text as schema,
  c.relname as name,
  c.relkind = 'v' as is_view,
  obj_description(c.oid, 'pg_class') as comment,
  array(
    select distinct a.grantee::regrole::text
    from aclexplode(c.relacl) as a
    where a.grantee <> c.relowner and a.privilege_type = 'SELECT'
    order by 1
  ) as readers,
  (
    select json_agg(
      json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'nullable', not a.attnotnull, 'comment', col_description(c.oid, a.attnum)
      ) order by a.attnum
    )
    from pg_catalog.pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) as columns
from pg_catalog.pg_class as c
where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
  and c.relkind in ('r', 'p', 'v') and not c.relispartition
order by 1, 2;
"""
SETTINGS = (
    "select s.key, s.value::text as value, s.description from private.settings as s order by 1"
)
# PostgreSQL writes a default with its type: '{}'::jsonb, NULL::uuid.
CAST = re.compile(r"::[\w \[\]\"().]+$")

# What a source makes: functions, views, and the policies of a table.
MADE = re.compile(
    r"^create (?:or replace (?:function|view)|policy \w+ on) (\w+\.\w+)", re.MULTILINE
)


@dataclass(frozen=True)
class Argument:
    """An argument of a function; `default` is SQL, None when the argument must be given."""

    name: str
    type: str
    default: str | None


@dataclass(frozen=True)
class Function:
    """A function of ours. `header` is the comment above it; `path` is relative to functions_sql."""

    schema: str
    name: str
    arguments: tuple[Argument, ...]
    result: str
    is_definer: bool
    body: str
    roles: tuple[str, ...]
    path: str
    header: str

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Column:
    """A column of a table or view."""

    name: str
    type: str
    is_nullable: bool
    comment: str


@dataclass(frozen=True)
class Relation:
    """A table or view. `readers` are the roles that may select; `header` is that of its source."""

    schema: str
    name: str
    is_view: bool
    comment: str
    readers: tuple[str, ...]
    columns: tuple[Column, ...]
    header: str

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Setting:
    """A setting for operators; `default` is the JSON that the migrations write."""

    key: str
    default: str
    description: str


@dataclass(frozen=True)
class Catalog:
    """Everything the pages are written from, in the order of names."""

    functions: tuple[Function, ...]
    relations: tuple[Relation, ...]
    settings: tuple[Setting, ...]

    @property
    def doors(self) -> list[Function]:
        """The RPCs, in the order of the sources."""
        public = [one for one in self.functions if one.schema == "public"]
        return sorted(public, key=lambda one: one.path)


def read_catalog(dsn: str, sources: Sequence[Source]) -> Catalog:
    """Read a database that has the sources applied and the settings that migrations write.

    Args:
        dsn: connection URL of the role `postgres`.
        sources: the sources, for the comments in them.

    Returns:
        The functions, tables and views of `public` and `private`, and the settings.
    """
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        connection.execute("set search_path = public")
        functions = connection.execute(FUNCTIONS).fetchall()
        relations = connection.execute(RELATIONS).fetchall()
        settings = connection.execute(SETTINGS).fetchall()
    made = {name: source for source in sources for name in MADE.findall(source.text)}
    return Catalog(
        tuple(_function(row, made) for row in functions),
        tuple(_relation(row, made) for row in relations),
        tuple(Setting(row["key"], row["value"], row["description"]) for row in settings),
    )


def _function(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Function:
    source = sources[f"{row['schema']}.{row['name']}"]
    arguments = (
        Argument(one["name"], one["type"], one["default"] and CAST.sub("", one["default"]))
        for one in row["arguments"]
    )
    return Function(
        schema=row["schema"],
        name=row["name"],
        arguments=tuple(arguments),
        result=row["result"],
        is_definer=row["is_definer"],
        body=row["body"],
        roles=tuple(row["roles"]),
        path=source.path,
        header=comment_above(source.text, f"{row['schema']}.{row['name']}"),
    )


def _relation(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Relation:
    source = sources.get(f"{row['schema']}.{row['name']}")
    columns = (
        Column(one["name"], one["type"], one["nullable"], one["comment"] or "")
        for one in row["columns"] or []
    )
    return Relation(
        schema=row["schema"],
        name=row["name"],
        is_view=row["is_view"],
        comment=row["comment"] or "",
        readers=tuple(row["readers"]),
        columns=tuple(columns),
        header=first_comment(source.text) if source else "",
    )


def comment_above(text: str, name: str) -> str:
    """The comment that ends where `create or replace function <name>` begins, without dashes."""
    found = re.search(rf"^create or replace function {re.escape(name)}\s*\(", text, re.MULTILINE)
    if found is None:
        return ""
    lines: list[str] = []
    for line in reversed(text[: found.start()].splitlines()):
        if not line.startswith("--"):
            break
        lines.append(line[2:].strip())
    return "\n".join(reversed(lines))


def first_comment(text: str) -> str:
    """The comment at the top of a source, without dashes."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line[2:].strip())
    return "\n".join(lines)


def labelled(header: str, label: str) -> str:
    """The paragraph of a header that begins with `label:`, on one line; empty when there is none.

    It ends at an empty line or at the next label: one or a few words and a colon.
    """
    found = re.search(
        rf"^{re.escape(label)}: (?P<text>.*?)(?=\n\n|\n[A-Z][a-z]+(?:, [a-z]+)*: |\nReturns |\Z)",
        header,
        re.DOTALL | re.MULTILINE,
    )
    return " ".join(found["text"].split()) if found else ""
