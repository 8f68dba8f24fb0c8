"""The schema cache: what the exposed schema holds, read once and again at `NOTIFY pgrst`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from scripts.dev.local_supabase.rest.relationships import (
    COMPUTED,
    FOREIGN_KEYS,
    VIEW_RULES,
    Relationship,
    find_relationships,
)

SCHEMA = "public"  # the one schema that is exposed
SEARCH_PATH = f'"{SCHEMA}", "public", "extensions"'


@dataclass(frozen=True)
class Table:
    """A table or view, with the types of its columns as SQL writes them."""

    name: str
    columns: Mapping[str, str]
    primary_key: tuple[str, ...]
    insertable: bool
    updatable: bool
    deletable: bool


@dataclass(frozen=True)
class Parameter:
    """One input of a function."""

    name: str
    type: str
    required: bool
    variadic: bool


@dataclass(frozen=True)
class Function:
    """A function of the exposed schema, and the shape of what it returns."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str  # a type's name, or that of the table whose rows it returns
    is_set: bool
    is_composite: bool
    is_volatile: bool
    media_type: str | None  # for a domain that is named like one
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Catalog:
    """Everything that requests are planned with."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    functions: Mapping[str, list[Function]] = field(default_factory=dict)
    relationships: Mapping[str, list[Relationship]] = field(default_factory=dict)
    timezones: frozenset[str] = frozenset()
    # role -> settings given by ALTER ROLE ... SET
    roles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


TABLES = """
  select c.oid::bigint as id, c.relname as name, a.attname as column,
    pg_catalog.format_type(a.atttypid, a.atttypmod) as type, a.attnum as number,
    c.relkind in ('v', 'm') as is_view, k.conkey @> array[a.attnum] as in_key,
    pg_catalog.pg_relation_is_updatable(c.oid, true) as writable
  from pg_catalog.pg_class as c
  left join pg_catalog.pg_attribute as a
    on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_constraint as k on k.conrelid = c.oid and k.contype = 'p'
  where c.relnamespace = %s::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not c.relispartition
  order by c.relname, a.attnum"""

FUNCTIONS = """
  select p.proname as name, p.proretset as is_set, p.provolatile = 'v' as is_volatile,
    coalesce(p.proargmodes::text[], '{}') as modes, coalesce(p.proargnames, '{}') as names,
    p.pronargs - p.pronargdefaults as required_count, p.proconfig as settings,
    array(select pg_catalog.format_type(o, null)
          from unnest(coalesce(p.proallargtypes, p.proargtypes)) with ordinality as x (o, n)
          order by n) as types,
    coalesce(base.typname, t.typname) as returns, t.typname as type_name, t.typtype = 'd' as domain,
    coalesce(base.typtype, t.typtype) = 'c' as is_composite
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_type as t on t.oid = p.prorettype
  left join pg_catalog.pg_type as base on t.typtype = 'd' and base.oid = t.typbasetype
  where p.pronamespace = %s::regnamespace and p.prokind = 'f'
    and t.typname not in ('trigger', 'event_trigger')
  order by p.proname, p.oid"""

# Settings that only a superuser may change would make every request of the role fail.
ROLES = """
  select r.rolname as name, array(
    select s from unnest(r.rolconfig) as s
    join pg_catalog.pg_settings as p on p.name = split_part(s, '=', 1) and p.context = 'user'
  ) as settings
  from pg_catalog.pg_roles as r
  where pg_catalog.pg_has_role(current_user, r.oid, 'member') and r.rolconfig is not null"""


async def load(connection: AsyncConnection[DictRow], timezones: frozenset[str]) -> Catalog:
    """Read everything about the exposed schema; the time zones only once, because it is slow."""

    async def rows(query: str, *arguments: str) -> list[DictRow]:
        return await (await connection.execute(query, arguments)).fetchall()

    columns = await rows(TABLES, SCHEMA)
    keys, rules = await rows(FOREIGN_KEYS), await rows(VIEW_RULES, SCHEMA)
    functions: dict[str, list[Function]] = defaultdict(list)
    for row in await rows(FUNCTIONS, SCHEMA):
        functions[row["name"]].append(_function(row))
    if not timezones:
        zones = await rows("select name from pg_catalog.pg_timezone_names")
        timezones = frozenset(row["name"] for row in zones)
    return Catalog(
        tables=_tables(columns),
        functions=dict(functions),
        relationships=find_relationships(keys, columns, rules, await rows(COMPUTED, SCHEMA)),
        timezones=timezones,
        roles={row["name"]: _settings(row["settings"]) for row in await rows(ROLES)},
    )


def _tables(rows: Iterable[DictRow]) -> dict[str, Table]:
    grouped: dict[str, list[DictRow]] = defaultdict(list)
    for row in rows:
        grouped[row["name"]].append(row)
    return {
        name: Table(
            name,
            {row["column"]: row["type"] for row in columns if row["column"]},
            tuple(row["column"] for row in columns if row["in_key"]),
            # The bits of pg_relation_is_updatable: 1 << CmdType of nodes/nodes.h.
            insertable=bool(columns[0]["writable"] & 8),
            updatable=bool(columns[0]["writable"] & 4),
            deletable=bool(columns[0]["writable"] & 16),
        )
        for name, columns in grouped.items()
    }


def _function(row: DictRow) -> Function:
    inputs = [
        (name, kind, mode)
        for name, kind, mode in zip(
            row["names"] or [""] * len(row["types"]),
            row["types"],
            row["modes"] or ["i"] * len(row["types"]),
            strict=True,
        )
        if mode in ("i", "b", "v")
    ]
    # One OUT, INOUT or TABLE column makes a row too, although the type is that column's.
    is_composite = row["is_composite"] or bool({"o", "b", "t"} & set(row["modes"]))
    return Function(
        name=row["name"],
        parameters=tuple(
            Parameter(name, kind, i < row["required_count"], mode == "v")
            for i, (name, kind, mode) in enumerate(inputs)
        ),
        returns=row["returns"],
        is_set=row["is_set"],
        is_composite=is_composite,
        is_volatile=row["is_volatile"],
        media_type=row["type_name"] if row["domain"] and "/" in row["type_name"] else None,
        settings=_settings(row["settings"]),
    )


def _settings(pairs: Iterable[str] | None) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in pairs or ())
