"""Reads one value of the query string: a select, a filter, a logic tree, an order.

The grammar and the wording of its complaints are PostgREST's.
Source: https://docs.postgrest.org/en/v14/references/api/tables_views.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.dev.local_supabase.rest.errors import ApiError, parse_error

QUANTIFIABLE = ("eq", "gte", "gt", "lte", "lt", "like", "ilike", "match", "imatch")
FULL_TEXT = ("fts", "plfts", "phfts", "wfts")
OPERATORS = (
    *(*QUANTIFIABLE, *FULL_TEXT, "neq", "in", "is", "isdistinct"),
    *("cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj"),
)
IS_VALUES = ("not_null", "null", "true", "false", "unknown")

FIELD_NAME = "field name (* or [a..z0..9_$])"
OPERATOR_NAME = "operator (eq, gt, ...)"

Path = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A column, and the JSON arrows behind it as (arrow, key or index)."""

    name: str
    arrows: tuple[tuple[str, str | int], ...] = ()


@dataclass(frozen=True)
class Column:
    """One selected column."""

    field: Field
    alias: str | None = None
    cast: str | None = None


@dataclass(frozen=True)
class Embed:
    """One selected relation, and what is selected of it."""

    relation: str
    items: tuple[Column | Embed, ...]
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False


@dataclass(frozen=True)
class Filter:
    """A condition on one column. `modifier` is any, all or the language of a text search."""

    field: Field
    operator: str
    value: str | tuple[str, ...]
    modifier: str = ""
    negated: bool = False


@dataclass(frozen=True)
class Logic:
    """Conditions joined by `and` or `or`."""

    operator: str
    conditions: tuple[Filter | Logic, ...]
    negated: bool = False


@dataclass(frozen=True)
class Order:
    """One sort key; with `relation` it is a column of a relation that is embedded."""

    field: Field
    relation: str | None
    direction: str
    nulls: str


class Reader:
    """A cursor over one value of the query string."""

    def __init__(self, what: str, text: str, *, shown: str | None = None) -> None:
        self._what, self._text, self._at = what, text, 0
        self._shown = text if shown is None else shown

    # -- the cursor ----------------------------------------------------------------------------
    def fail(self, expected: str, *, at: int | None = None) -> ApiError:
        """The error for a text at the cursor that is not `expected`."""
        at = self._at if at is None else at
        rest = self._text[at : at + 1]
        found = f'"{rest}"' if rest else "end of input"
        details = f"unexpected {found} expecting {expected}"
        return parse_error(self._what, self._shown, at + 1, details)

    def take(self, pattern: str) -> str | None:
        """The text of the pattern if it stands at the cursor, which moves behind it."""
        found = re.compile(pattern, re.DOTALL).match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0]

    def need(self, pattern: str, expected: str) -> str:
        """As `take`, but it must be there."""
        found = self.take(pattern)
        if found is None:
            raise self.fail(expected)
        return found

    def end(self, expected: str = "end of input") -> None:
        """The whole text must have been read."""
        if self._at < len(self._text):
            raise self.fail(expected)

    # -- names ---------------------------------------------------------------------------------
    def name(self) -> str:
        """A column, relation or constraint, quoted or bare."""
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        return self.need(r"[\w $]+(?:-(?!>)[\w $]+)*", FIELD_NAME).strip()

    def quoted(self) -> str | None:
        """Text in double quotes, in which a backslash takes the next letter as it is."""
        found = self.take(r'"(?:[^"\\]|\\.)*"')
        return None if found is None else re.sub(r"\\(.)", r"\1", found[1:-1], flags=re.DOTALL)

    def names(self) -> list[str]:
        """Names with commas between them."""
        found = [self.name()]
        while self.take(r","):
            found.append(self.name())
        self.end('"," or end of input')
        return found

    def arrows(self) -> tuple[tuple[str, str | int], ...]:
        """The JSON arrows behind a column."""
        found: list[tuple[str, str | int]] = []
        while arrow := self.take(r"->>?"):
            index = self.take(r"-?\d+(?=->|::|[.,)]|$)")
            found.append((arrow, int(index) if index is not None else self.name()))
        return tuple(found)

    def field(self) -> Field:
        """A column with its arrows."""
        return Field(self.name(), self.arrows())

    def path(self) -> tuple[Path, tuple[tuple[str, str | int], ...]]:
        """Names with dots between them, the last one perhaps with arrows."""
        names = [self.name()]
        while self.take(r"\."):
            names.append(self.name())
        arrows = self.arrows()
        self.end('"." or end of input')
        return tuple(names), arrows

    # -- select --------------------------------------------------------------------------------
    def select_items(self) -> list[Column | Embed]:
        """The whole of select=."""
        items = self._items()
        self.end('"," or end of input')
        return items

    def _items(self) -> list[Column | Embed]:
        items = [self._item()]
        while self.take(r"\s*,\s*"):
            items.append(self._item())
        return items

    def _item(self) -> Column | Embed:
        self.take(r"[ \t]*")
        start = self._at
        if self.take(r"\.\.\."):
            return self._embed(self.name(), None, spread=True)
        if self.take(r"\*"):
            return Column(Field("*"))
        if self.take(r"count\(\)"):
            raise _aggregates_are_off()
        if not re.compile(r'[\w $"]').match(self._text, self._at):
            raise self.fail(f'"...", {FIELD_NAME}, "*" or "count()"', at=start)
        alias, name = None, self.name()
        if self.take(r":(?!:)"):
            alias, name = name, self.name()
        if re.compile(r"[!(]").match(self._text, self._at):
            return self._embed(name, alias)
        found = Field(name, self.arrows())
        if self.take(r"(::[\w $]+)?\.(sum|avg|min|max|count)\(\)"):
            raise _aggregates_are_off()
        cast = self.take(r"::[\w $]+")
        if not re.compile(r"\s*([,)]|$)").match(self._text, self._at):
            raise self.fail('letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input')
        return Column(found, alias, cast[2:].strip() if cast else None)

    def _embed(self, name: str, alias: str | None, *, spread: bool = False) -> Embed:
        hint, inner = None, False
        while self.take(r"!"):
            joined = self.take(r"(inner|left)(?=[!(])")
            if joined:
                inner = joined == "inner"
            else:
                hint = self.name()
        self.need(r"\(", '"("')
        items = () if self.take(r"\s*(?=\))") is not None else tuple(self._items())
        self.need(r"\s*\)", '"," or ")"')
        return Embed(name, items, alias, hint, inner, spread)

    # -- order ---------------------------------------------------------------------------------
    def order_terms(self) -> list[Order]:
        """The whole of order=."""
        terms = [self._order_term()]
        while self.take(r"\s*,\s*"):
            terms.append(self._order_term())
        self.end('"," or end of input')
        return terms

    def _order_term(self) -> Order:
        found, relation = self.field(), None
        if self.take(r"\("):
            relation, found = found.name, self.field()
            self.need(r"\)", '")"')
        direction = nulls = ""
        if self.take(r"\.(?=asc|desc)"):
            direction = self.need(r"asc|desc", "")
        if self.take(r"\."):
            ways = '"nullsfirst" or "nullslast"'
            nulls = self.need(r"nulls(first|last)", ways if direction else f'"asc", "desc", {ways}')
        return Order(found, relation, direction, nulls.replace("nulls", "nulls "))

    # -- filters -------------------------------------------------------------------------------
    def filter_of(self, found: Field) -> Filter:
        """The whole value of a filter on the column."""
        return self._operation(found, lambda: self.need(r".*", ""))

    def _operation(self, found: Field, read_value: Callable[[], str]) -> Filter:
        negated = self.take(r"not\.") is not None
        start = self._at
        operator = self.take(rf"({'|'.join(sorted(OPERATORS, key=len, reverse=True))})(?=[.(])")
        modifier = ""
        if operator in QUANTIFIABLE:
            modifier = (self.take(r"\((any|all)\)") or "").strip("()")
        elif operator in FULL_TEXT:
            modifier = (self.take(r"\([\w $]+\)") or "").strip("()")
        if operator is None or not self.take(r"\."):
            expected = OPERATOR_NAME if negated else f'"not" or {OPERATOR_NAME}'
            raise self.fail(expected, at=start)
        value: str | tuple[str, ...]
        if operator == "in":
            value = self._list()
        elif operator == "is":
            expected = "isVal: (null, not_null, true, false, unknown)"
            value = self.need("(?i:" + "|".join(IS_VALUES) + ")", expected).lower()
        else:
            value = read_value()
        return Filter(found, operator, value, modifier, negated)

    def _list(self) -> tuple[str, ...]:
        self.need(r"\(", '"("')
        found = [self._element()]
        while self.take(r","):
            found.append(self._element())
        self.need(r"\)", '"," or ")"')
        return () if found == [""] else tuple(found)

    def _element(self) -> str:
        quoted = self.quoted()
        return self.need(r"[^,)]*", "") if quoted is None else quoted

    # -- logic trees ---------------------------------------------------------------------------
    def whole_logic(self, negated: bool) -> Logic:
        """The whole of or= or and=."""
        operator = self.need(r"and|or", "")
        found = self._branches(operator, negated)
        self.end()
        return found

    def _branches(self, operator: str, negated: bool) -> Logic:
        self.need(r"\s*\(", '"("')
        found = [self._branch()]
        while self.take(r"\s*,\s*"):
            found.append(self._branch())
        self.need(r"\s*\)", '"," or ")"')
        return Logic(operator, tuple(found), negated)

    def _branch(self) -> Filter | Logic:
        self.take(r"\s*")
        operator = self.take(r"(not\.)?(and|or)(?=\s*\()")
        if operator:
            return self._branches(operator.removeprefix("not."), operator.startswith("not."))
        if not re.compile(r'[\w $"*]').match(self._text, self._at):
            raise self.fail(f"{FIELD_NAME}, negation operator (not) or logic operator (and, or)")
        found = self.field()
        self.need(r"\.", 'letter, digit, "-", "->>", "->" or delimiter (.)')
        return self._operation(found, self._logic_value)

    def _logic_value(self) -> str:
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        return self.take(r"\{[^{}]*\}") or self.need(r"[^,)]*", "")


def _aggregates_are_off() -> ApiError:
    return ApiError(400, "PGRST123", "Use of aggregate functions is not allowed")


def array_literal(values: Sequence[str]) -> str:
    """The values as the text of a Postgres array."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"
