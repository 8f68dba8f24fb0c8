"""The schema cache: what the exposed schema holds, read once and again at `NOTIFY pgrst`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from psycopg import AsyncConnection
from psycopg.rows import DictRow

SCHEMA = "public"  # the one schema that is exposed
SEARCH_PATH = f'"{SCHEMA}", "public", "extensions"'

Cardinality = Literal["many-to-one", "one-to-many", "one-to-one", "many-to-many"]
Pairs = tuple[tuple[str, str], ...]  # (column here, column there)


@dataclass(frozen=True)
class Relationship:
    """A way from one relation to another; for many-to-many through a third, the junction."""

    table: str
    foreign: str
    cardinality: Cardinality
    constraint: str
    pairs: Pairs
    # many-to-many only: the junction, its second foreign key, and (foreign, junction) columns.
    junction: str = ""
    far_constraint: str = ""
    far_pairs: Pairs = ()

    @property
    def to_one(self) -> bool:
        """Whether at most one row is found over there."""
        return self.cardinality in ("many-to-one", "one-to-one")

    @property
    def described(self) -> dict[str, str]:
        """How PostgREST names it when it has to ask which one is meant."""
        here, there = (", ".join(names) for names in zip(*self.pairs, strict=True))
        relationship = f"{self.constraint} using {self.table}({here}) and {self.foreign}({there})"
        if self.junction:
            far = ", ".join(name for _, name in self.far_pairs)
            relationship = (
                f"{self.junction} using {self.constraint}({there}) and {self.far_constraint}({far})"
            )
        return {
            "cardinality": self.cardinality,
            "embedding": f"{self.table} with {self.foreign}",
            "relationship": relationship,
        }


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

    @property
    def is_single(self) -> bool:
        """Whether it returns exactly one value or row."""
        return not self.is_set


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

FOREIGN_KEYS = """
  select k.conname as name, k.conrelid::bigint as source, k.confrelid::bigint as target,
    (select array_agg(a.attname::text order by n) from unnest(k.conkey) with ordinality as c (i, n)
     join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = c.i) as here,
    (select array_agg(a.attname::text order by n) from unnest(k.confkey) with ordinality as c (i, n)
     join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = c.i) as there,
    exists (
      select from pg_catalog.pg_constraint as u
      where u.conrelid = k.conrelid and u.contype in ('p', 'u')
        and u.conkey <@ k.conkey and u.conkey @> k.conkey
    ) as is_unique,
    coalesce((
      select p.conkey @> k.conkey from pg_catalog.pg_constraint as p
      where p.conrelid = k.conrelid and p.contype = 'p'
    ), false) as in_key
  from pg_catalog.pg_constraint as k
  where k.contype = 'f' and k.conparentid = 0
  order by k.conname"""

VIEW_RULES = """
  select c.oid::bigint as id, r.ev_action::text as rule
  from pg_catalog.pg_class as c
  join pg_catalog.pg_rewrite as r on r.ev_class = c.oid and r.rulename = '_RETURN'
  where c.relnamespace = %s::regnamespace"""

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

ROLES = """
  select r.rolname as name, r.rolconfig as settings from pg_catalog.pg_roles as r
  where pg_catalog.pg_has_role(current_user, r.oid, 'member') and r.rolconfig is not null"""


async def load(connection: AsyncConnection[DictRow], timezones: frozenset[str]) -> Catalog:
    """Read everything about the exposed schema; the time zones only once, because it is slow."""

    async def rows(query: str, *arguments: str) -> list[DictRow]:
        return await (await connection.execute(query, arguments)).fetchall()

    columns = await rows(TABLES, SCHEMA)
    names = {row["id"]: row["name"] for row in columns}
    keys = [*map(_foreign_key, await rows(FOREIGN_KEYS))]
    keys += _keys_of_views(keys, columns, await rows(VIEW_RULES, SCHEMA))
    functions: dict[str, list[Function]] = defaultdict(list)
    for row in await rows(FUNCTIONS, SCHEMA):
        functions[row["name"]].append(_function(row))
    if not timezones:
        zones = await rows("select name from pg_catalog.pg_timezone_names")
        timezones = frozenset(row["name"] for row in zones)
    return Catalog(
        tables=_tables(columns),
        functions=dict(functions),
        relationships=_relationships(keys, names),
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


@dataclass(frozen=True)
class _ForeignKey:
    name: str
    source: int
    target: int
    pairs: Pairs
    is_unique: bool
    in_key: bool
    of_view: bool = False


def _foreign_key(row: DictRow) -> _ForeignKey:
    pairs = tuple(zip(row["here"], row["there"], strict=True))
    return _ForeignKey(
        row["name"], row["source"], row["target"], pairs, row["is_unique"], row["in_key"]
    )


# A column of a view's query, in the text form of Postgres' parse trees: its number, its name, and
# the table and column it comes from.
_TARGET = re.compile(
    r":resno (\d+) :resname (\S+) :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+)"
)


def _keys_of_views(
    keys: list[_ForeignKey], columns: list[DictRow], rules: list[DictRow]
) -> list[_ForeignKey]:
    """The foreign keys that a view has because it shows the columns of one."""
    number_to_name = {(row["id"], row["number"]): row["column"] for row in columns}
    found: list[_ForeignKey] = []
    for rule in rules:
        shown: dict[tuple[int, str], str] = {}
        for number, name, table, column in _TARGET.findall(rule["rule"]):
            origin = number_to_name.get((int(table), int(column)))
            if number_to_name.get((rule["id"], int(number))) == name and origin:
                shown[(int(table), origin)] = name
        for key in keys:
            here = [(shown.get((key.source, a)), b) for a, b in key.pairs]
            there = [(a, shown.get((key.target, b))) for a, b in key.pairs]
            for source, target, pairs in (
                (rule["id"], key.target, here),
                (key.source, rule["id"], there),
            ):
                whole = tuple((a, b) for a, b in pairs if a and b)
                if len(whole) == len(key.pairs):
                    found.append(
                        _ForeignKey(key.name, source, target, whole, key.is_unique, False, True)
                    )
    return found


def _relationships(
    keys: list[_ForeignKey], names: Mapping[int, str]
) -> dict[str, list[Relationship]]:
    found: dict[str, list[Relationship]] = defaultdict(list)
    shown = [key for key in keys if key.source in names and key.target in names]
    for key in shown:
        source, target = names[key.source], names[key.target]
        back = tuple((b, a) for a, b in key.pairs)
        there: Cardinality = "one-to-one" if key.is_unique else "many-to-one"
        home: Cardinality = "one-to-one" if key.is_unique else "one-to-many"
        found[source].append(Relationship(source, target, there, key.name, key.pairs))
        found[target].append(Relationship(target, source, home, key.name, back))
    for near in shown:
        for far in shown:
            if near is far or near.source != far.source or not (near.in_key and far.in_key):
                continue
            found[names[near.target]].append(
                Relationship(
                    names[near.target],
                    names[far.target],
                    "many-to-many",
                    near.name,
                    tuple((b, a) for a, b in near.pairs),
                    names[near.source],
                    far.name,
                    tuple((b, a) for a, b in far.pairs),
                )
            )
    return dict(found)
