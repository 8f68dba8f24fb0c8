"""Ways from one relation to another: foreign keys, and functions from a row to rows.

Foreign keys lead both ways, through junctions, and through the views that show them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from psycopg.rows import DictRow

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
    # Of a computed one: the function, by whose name it is embedded.
    function: str = ""

    @property
    def to_one(self) -> bool:
        """Whether at most one row is found over there."""
        return self.cardinality in ("many-to-one", "one-to-one")

    @property
    def described(self) -> dict[str, str]:
        """PostgREST's name of it in the error about an ambiguous embed."""
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


FOREIGN_KEYS = """
  select k.conname as name, k.conrelid::bigint as source, k.confrelid::bigint as target,
    (select array_agg(a.attname::text order by n) from unnest(k.conkey) with ordinality as c (i, n)
     join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = c.i) as here,
    (select array_agg(a.attname::text order by n) from unnest(k.confkey) with ordinality as c (i, n)
     join pg_catalog.pg_attribute as a on a.attrelid = k.confrelid and a.attnum = c.i) as there,
    k.conkey::int[] as here_numbers, k.confkey::int[] as there_numbers,
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

COMPUTED = """
  select p.proname as name, p.prorows = 1 as to_one,
    origin.relname as source, target.relname as target
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_class as origin on origin.reltype = p.proargtypes[0]
  join pg_catalog.pg_class as target on target.reltype = p.prorettype
  where p.pronargs = 1 and p.proretset and p.pronamespace = %s::regnamespace
    and origin.relnamespace = p.pronamespace and target.relnamespace = p.pronamespace"""

VIEW_RULES = """
  select c.oid::bigint as id, r.ev_action::text as rule
  from pg_catalog.pg_class as c
  join pg_catalog.pg_rewrite as r on r.ev_class = c.oid and r.rulename = '_RETURN'
  where c.relnamespace = %s::regnamespace"""


@dataclass(frozen=True)
class _ForeignKey:
    name: str
    source: int
    target: int
    pairs: Pairs
    # The numbers of the pairs' columns.
    numbers: tuple[tuple[int, int], ...]
    is_unique: bool
    in_key: bool


def _foreign_key(row: DictRow) -> _ForeignKey:
    pairs = tuple(zip(row["here"], row["there"], strict=True))
    numbers = tuple(zip(row["here_numbers"], row["there_numbers"], strict=True))
    return _ForeignKey(
        row["name"], row["source"], row["target"], pairs, numbers, row["is_unique"], row["in_key"]
    )


# A column of a view's query, in the text form of Postgres' parse trees: its number, its name, and
# the table and column it comes from.
_TARGET = re.compile(
    r":resno (\d+) :resname (\S+) :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+)"
)


def _keys_of_views(
    keys: list[_ForeignKey], columns: list[DictRow], rules: list[DictRow]
) -> list[_ForeignKey]:
    """The foreign keys that a view has because it shows the columns of one, of any schema."""
    number_to_name = {(row["id"], row["number"]): row["column"] for row in columns}
    found: list[_ForeignKey] = []
    for rule in rules:
        view = rule["id"]
        shown: dict[tuple[int, int], str] = {}
        for number, name, table, column in _TARGET.findall(rule["rule"]):
            if number_to_name.get((view, int(number))) == name:
                shown[(int(table), int(column))] = name
        for key in keys:
            here = [shown.get((key.source, a)) for a, _ in key.numbers]
            there = [shown.get((key.target, b)) for _, b in key.numbers]
            if all(here):
                pairs = tuple((name or "", b) for name, (_, b) in zip(here, key.pairs, strict=True))
                found.append(replace(key, source=view, pairs=pairs, in_key=False))
            if all(there):
                pairs = tuple(
                    (a, name or "") for name, (a, _) in zip(there, key.pairs, strict=True)
                )
                found.append(replace(key, target=view, pairs=pairs, in_key=False))
    return found


def find_relationships(
    keys: list[DictRow], columns: list[DictRow], rules: list[DictRow], computed: list[DictRow]
) -> dict[str, list[Relationship]]:
    """The ways out of each relation, from the rows of TABLES and of the queries above."""
    names: Mapping[int, str] = {row["id"]: row["name"] for row in columns}
    tied = [_foreign_key(row) for row in keys]
    tied += _keys_of_views(tied, columns, rules)
    found: dict[str, list[Relationship]] = defaultdict(list)
    shown = [key for key in tied if key.source in names and key.target in names]
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
    for row in computed:
        cardinality: Cardinality = "many-to-one" if row["to_one"] else "one-to-many"
        way = Relationship(row["source"], row["target"], cardinality, "", (), function=row["name"])
        # It takes the place of a foreign key of that name.
        others = [one for one in found[way.table] if one.foreign != way.function]
        found[way.table] = [*others, way]
    return dict(found)
