"""Writes the SQL of a request. Values are parameters; names are quoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.dev.local_supabase.rest.catalog import SCHEMA, Catalog, Function
from scripts.dev.local_supabase.rest.errors import ApiError
from scripts.dev.local_supabase.rest.grammar import (
    Column,
    Field,
    Filter,
    Logic,
    Order,
    array_literal,
)
from scripts.dev.local_supabase.rest.plan import Node

SOURCE = "pgrst_source"

COMPARISONS = dict(
    pair.split(" ", 1)
    for pair in (
        *("eq =", "neq <>", "gt >", "gte >=", "lt <", "lte <=", "isdistinct is distinct from"),
        *("like like", "ilike ilike", "match ~", "imatch ~*", "cs @>", "cd <@", "ov &&"),
        *("sl <<", "sr >>", "nxr &<", "nxl &>", "adj -|-"),
    )
)
TEXT_QUERIES = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}

Values = dict[str, Any]


def quote(name: str) -> str:
    """An identifier; `%` is doubled because psycopg reads it as a placeholder."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


class Writer:
    """Writes parts of one statement and collects its parameters."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.values: Values = {}

    def value(self, value: Any) -> str:
        """A placeholder for the value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    # -- reading -------------------------------------------------------------------------------
    def read(self, node: Node, source: str) -> str:
        """The select for a tree of relations whose root comes from `source`."""
        columns = [self._column(node, column) for column in node.columns]
        columns += [part for child in node.children for part in self._embedded(child)]
        joins = "".join(self._join(child) for child in node.children)
        order = ", ".join(self._order(node, term) for term in node.order)
        return (
            f"select {', '.join(columns) or '1'} from {source} as {quote(node.reference)}{joins}"
            f"{self.where(node)}{f' order by {order}' if order else ''}"
            f" limit {node.limit} offset {node.offset}"
        )

    def count(self, node: Node, source: str) -> str:
        """A select with one row for each row that `read` would give without limits."""
        joins = "".join(self._join(child) for child in node.children)
        return f"select 1 from {source} as {quote(node.reference)}{joins}{self.where(node)}"

    def where(self, node: Node) -> str:
        """The where clause for a node's own conditions and its link to the parent."""
        conditions = [self._condition(node, condition) for condition in node.conditions]
        if node.relationship:
            conditions += self._link(node)
        return f" where {' and '.join(conditions)}" if conditions else ""

    def _join(self, child: Node) -> str:
        way, joined = child.way, quote(child.joined)
        source = f"{quote(SCHEMA)}.{quote(way.function or way.foreign)}"
        if way.function:
            source += f"({quote(child.parent)})"
        if way.junction:
            junction = f"{quote(SCHEMA)}.{quote(way.junction)} as {quote(child.joined + '_by')}"
            source = f"{junction}, {source}"
        inside, on = self.read(child, source), "true"
        if not way.to_one:
            gathered = f"json_agg({joined})::jsonb as {joined}"
            if child.spread:
                names = [quote(name) for name in self._output_names(child)]
                gathered = ", ".join(f"json_agg({joined}.{name}) as {name}" for name in names)
            inside = f"select {gathered} from ({inside}) as {joined}"
            if child.inner:
                first = f"{joined}.{names[0] if child.spread else joined}"
                on = f"{first} is not null"
        return f" {'inner' if child.inner else 'left'} join lateral ({inside}) as {joined} on {on}"

    def _link(self, node: Node) -> list[str]:
        """The conditions that tie a relation to its parent, which SQL sees from inside."""
        way, here, parent = node.way, quote(node.reference), quote(node.parent)
        if not way.junction:
            return [f"{here}.{quote(b)} = {parent}.{quote(a)}" for a, b in way.pairs]
        by = quote(node.joined + "_by")
        return [
            *(f"{by}.{quote(b)} = {parent}.{quote(a)}" for a, b in way.pairs),
            *(f"{by}.{quote(b)} = {here}.{quote(a)}" for a, b in way.far_pairs),
        ]

    def _embedded(self, child: Node) -> list[str]:
        """An embedded relation in its parent's select."""
        joined = quote(child.joined)
        if child.spread:
            names = [quote(name) for name in self._output_names(child)]
            if child.way.to_one:
                return [f"{joined}.{name}" for name in names]
            return [f"coalesce({joined}.{name}, '[]') as {name}" for name in names]
        if not _shows(child):
            return []
        if child.way.to_one:
            return [f"row_to_json({joined}.*)::jsonb as {quote(child.key)}"]
        return [f"coalesce({joined}.{joined}, '[]') as {quote(child.key)}"]

    def _output_names(self, node: Node) -> list[str]:
        names: list[str] = []
        for column in node.columns:
            if column.field.name == "*":
                names += self._catalog.tables[node.relation].columns
            else:
                names.append(_output_name(column) or column.field.name)
        for child in node.children:
            if child.spread:
                names += self._output_names(child)
            elif _shows(child):
                names.append(child.key)
        return names

    def _column(self, node: Node, column: Column) -> str:
        if column.field.name == "*":
            return f"{quote(node.reference)}.*"
        found, name = self._field(node, column.field), _output_name(column)
        if column.cast:
            found, name = f"cast({found} as {column.cast})", name or column.field.name
        return f"{found} as {quote(name)}" if name else found

    def _type(self, node: Node, name: str) -> str:
        table = self._catalog.tables.get(node.relation)
        return table.columns.get(name, "") if table else ""

    def _field(self, node: Node, field: Field, reference: str | None = None) -> str:
        found = f"{quote(reference or node.reference)}.{quote(field.name)}"
        if field.arrows and self._type(node, field.name) not in ("json", "jsonb"):
            found = f"to_jsonb({found})"
        for arrow, key in field.arrows:
            kind = "int" if isinstance(key, int) else "text"
            found += f"{arrow}{self.value(key)}::{kind}"
        return found

    def _order(self, node: Node, term: Order) -> str:
        joined = None
        if term.relation:
            joined = next(c.joined for c in node.children if c.key == term.relation)
        found = self._field(node, term.field, joined)
        return f"{found} {term.direction} {term.nulls}".strip()

    # -- conditions ----------------------------------------------------------------------------
    def _condition(self, node: Node, condition: Filter | Logic) -> str:
        if isinstance(condition, Logic):
            parts = [self._condition(node, part) for part in condition.conditions]
            return f"{'not ' * condition.negated}({f' {condition.operator} '.join(parts)})"
        child = next((c for c in node.children if c.key == condition.field.name), None)
        if child is not None and not condition.field.arrows:
            return _embed_condition(child, condition)
        return f"{'not ' * condition.negated}({self._comparison(node, condition)})"

    def _comparison(self, node: Node, condition: Filter) -> str:
        found, operator, value = (
            self._field(node, condition.field),
            condition.operator,
            condition.value,
        )
        if isinstance(value, tuple):
            return f"{found} = any ({self.value(array_literal(value))})"
        if operator == "is":
            return f"{found} is {value.replace('_', ' ')}"
        if operator in TEXT_QUERIES:
            language = f"{self.value(condition.modifier)}::regconfig, " * bool(condition.modifier)
            kind = self._type(node, condition.field.name)
            if condition.field.arrows or kind not in ("tsvector", ""):
                found = f"to_tsvector({language}{found})"
            return f"{found} @@ {TEXT_QUERIES[operator]}({language}{self.value(value)})"
        if operator in ("like", "ilike"):
            value = value.replace("*", "%")
        placeholder = self.value(value)
        if condition.modifier:
            placeholder = f"{condition.modifier} ({placeholder})"
        return f"{found} {COMPARISONS[operator]} {placeholder}"

    # -- calling -------------------------------------------------------------------------------
    def call(self, function: Function, names: Sequence[str], body: str) -> str:
        """A select that calls the function with arguments taken from a JSON object or array."""
        taken = [parameter for parameter in function.parameters if parameter.name in names]
        source = "("
        if taken:
            types = {p.name: p.type for p in taken}
            source = f"{self.records(types, body)} as pgrst_body, lateral ("
        passed = ", ".join(
            f"{'variadic ' * p.variadic}{quote(p.name)} := pgrst_body.{quote(p.name)}"
            for p in taken
        )
        return self._result(function, source, passed)

    def records(self, types: Mapping[str, str], body: str, *, every: bool = False) -> str:
        """The first object of a JSON array, or the one object, as a record; or every one."""
        array = "case json_typeof(data) when 'array' then data else json_build_array(data) end"
        source = f"json_array_elements({array}) as _"
        if types:
            listed = ", ".join(f"{quote(name)} {_typed(kind)}" for name, kind in types.items())
            source = f"json_to_recordset({array}) as _({listed})"
        taken = f"{'_.*' if types else ''} from (select {self.value(body)}::json as data) as given"
        return f"(select {taken}, {source}{'' if every else ' limit 1'})"

    def call_directly(self, function: Function, arguments: Mapping[str, Any]) -> str:
        """A select that calls the function with arguments written as text."""
        passed = ", ".join(
            f"{'variadic ' * p.variadic}{quote(p.name)} := {self.value(arguments[p.name])}"
            f"::{_typed(p.type)}"
            for p in function.parameters
            if p.name in arguments
        )
        return self._result(function, "(", passed)

    def call_with_body(self, function: Function, body: str | bytes) -> str:
        """A select that calls the function with the whole body as its only argument."""
        return self._result(
            function, "(", f"{self.value(body)}::{_typed(function.parameters[0].type)}"
        )

    def _result(self, function: Function, source: str, passed: str) -> str:
        called = f"{quote(SCHEMA)}.{quote(function.name)}({passed})"
        if function.is_composite:
            if source == "(":
                return f"select pgrst_call.* from {called} as pgrst_call"
            return f"select pgrst_call.* from {source[:-1]}{called} as pgrst_call"
        return f"select pgrst_scalar from {source}select {called} as pgrst_scalar) as pgrst_call"


def _typed(name: str) -> str:
    return name.replace("%", "%%")


def _shows(node: Node) -> bool:
    return bool(node.columns) or any(_shows(child) for child in node.children)


def _output_name(column: Column) -> str | None:
    """The name of a column in the answer, where SQL needs one."""
    if column.alias or not column.field.arrows:
        return column.alias
    keys = [key for _, key in column.field.arrows if isinstance(key, str)]
    return keys[-1] if keys else column.field.name


def _embed_condition(child: Node, condition: Filter) -> str:
    """Whether anything was embedded: the one thing a filter may ask of a relation."""
    if condition.operator != "is" or condition.value not in ("null", "not_null"):
        raise ApiError(
            400,
            "PGRST120",
            f"Bad operator on the '{child.key}' embedded resource",
            details="Only is null or not is null filters are allowed on embedded resources",
        )
    wanted = condition.negated != (condition.value == "not_null")
    return f"{quote(child.joined)} is {'' if wanted else 'not '}distinct from null"
