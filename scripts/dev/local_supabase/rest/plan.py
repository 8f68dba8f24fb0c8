"""Makes a tree of relations from a query: which rows, through which relationship, in what order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scripts.dev.local_supabase.rest.catalog import Catalog
from scripts.dev.local_supabase.rest.errors import ApiError
from scripts.dev.local_supabase.rest.grammar import Column, Embed, Filter, Logic, Order, Path
from scripts.dev.local_supabase.rest.hints import nearest
from scripts.dev.local_supabase.rest.query import Query
from scripts.dev.local_supabase.rest.relationships import Relationship

MAX_ROWS = 1000  # Supabase's default for the API


@dataclass
class Node:
    """One relation of the answer; the root has no relationship."""

    relation: str
    reference: str  # what the SQL calls it
    columns: list[Column] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    conditions: list[Filter | Logic] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    limit: int = MAX_ROWS
    offset: int = 0
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False
    relationship: Relationship | None = None
    parent: str = ""  # the parent's reference
    joined: str = ""  # what the SQL calls the finished subquery

    @property
    def key(self) -> str:
        """The name under which it stands in the answer and in filters."""
        return self.alias or self.relation

    @property
    def way(self) -> Relationship:
        """The relationship to the parent. Only the root has none."""
        if self.relationship is None:
            raise LookupError(f"{self.relation} is the root")
        return self.relationship


def plan_read(
    catalog: Catalog, query: Query, relation: str, reference: str, limit: int, offset: int
) -> Node:
    """The tree for one request on a table, a view or the rows of a function."""
    root = Node(relation, reference, limit=limit, offset=offset)
    _add_items(root, query.select, 1)
    # Whatever is asked of an embedded relation moves it to the front, the first request last.
    # This order is PostgREST's, and shows in the order of keys.
    for path, condition in reversed(query.filters):
        _move_to_front(root, path).conditions.insert(0, condition)
    for path, terms in reversed(query.order):
        _move_to_front(root, path).order = terms
    for path in {**query.limits, **query.offsets}:
        if path:
            node = _move_to_front(root, path)
            node.limit = min(query.limits.get(path, MAX_ROWS), MAX_ROWS)
            node.offset = max(query.offsets.get(path, 0), 0)
    for path, tree in reversed(query.logic):
        _move_to_front(root, path).conditions.append(tree)
    _find_relationships(catalog, root)
    _check_orders(root)
    return root


def _add_items(node: Node, items: Iterable[Column | Embed], depth: int) -> None:
    for item in items:
        if isinstance(item, Column):
            node.columns.append(item)
            continue
        child = Node(
            relation=item.relation,
            reference="",
            alias=item.alias,
            hint=item.hint,
            inner=item.inner,
            spread=item.spread,
        )
        _add_items(child, item.items, depth + 1)
        node.children.append(child)


def _move_to_front(node: Node, path: Path) -> Node:
    """The relation at the end of the path, which on the way there comes before its siblings."""
    for name in path:
        child = find_child(node, name)
        node.children.remove(child)
        node.children.insert(0, child)
        node = child
    return node


def find_child(node: Node, name: str) -> Node:
    """The embedded relation of that name. Raises ApiError 400 when it is not in select=."""
    for child in node.children:
        if child.key == name:
            return child
    raise ApiError(
        400,
        "PGRST108",
        f"'{name}' is not an embedded resource in this request",
        hint=f"Verify that '{name}' is included in the 'select' query parameter.",
    )


def _find_relationships(catalog: Catalog, node: Node, depth: int = 1) -> None:
    for child in node.children:
        way = _find_relationship(catalog, node.relation, child.relation, child.hint)
        child.relationship = way
        child.parent, child.reference = node.reference, f"{way.foreign}_{depth}"
        child.joined = f"{way.table}_{child.key}_{depth}"
        # A target may be named by its foreign key; from here on it is its table that counts.
        child.alias, child.relation = child.key, way.foreign
        _find_relationships(catalog, child, depth + 1)


def _find_relationship(
    catalog: Catalog, origin: str, target: str, hint: str | None
) -> Relationship:
    ways = catalog.relationships.get(origin, [])
    found = [way for way in ways if _leads_to(way, target, hint)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise _no_relationship(catalog, origin, target, hint)
    names = ", ".join(f"'{target}!{way.junction or way.constraint}'" for way in found)
    raise ApiError(
        300,
        "PGRST201",
        "Could not embed because more than one relationship was found for "
        f"'{origin}' and '{target}'",
        details=[way.described for way in found],
        hint=f"Try changing '{target}' to one of the following: {names}. "
        "Find the desired relationship in the 'details' key.",
    )


def _leads_to(way: Relationship, target: str, hint: str | None) -> bool:
    if way.function:
        return target == way.function and hint is None
    here, there = way.pairs[0] if len(way.pairs) == 1 and not way.junction else ("", "")
    if way.table == way.foreign and not way.junction:
        # One foreign key, two ways: the table's name means the many, the column's name the one.
        if way.cardinality == "one-to-many":
            return target == way.foreign and hint in (None, there)
        return hint is None and target == here
    if hint is None:
        return target in (way.foreign, here, "" if way.junction else way.constraint)
    return target == way.foreign and hint in (*(here, there), way.junction or way.constraint)


def _no_relationship(catalog: Catalog, origin: str, target: str, hint: str | None) -> ApiError:
    using = f" using the hint '{hint}'" if hint else ""
    known = catalog.relationships.get(origin)
    if known is None:
        better = nearest(origin, catalog.relationships)
        said = f"'{better}' instead of '{origin}'"
    else:
        children = {way.function or way.foreign for way in known}
        better = None if target in children else nearest(target, children)
        said = f"'{better}' instead of '{target}'"
    return ApiError(
        400,
        "PGRST200",
        f"Could not find a relationship between '{origin}' and '{target}' in the schema cache",
        details=f"Searched for a foreign key relationship between '{origin}' and '{target}'{using} "
        "in the schema 'public', but no matches were found.",
        hint=f"Perhaps you meant {said}." if better else None,
    )


def _check_orders(node: Node) -> None:
    for term in node.order:
        if term.relation and not find_child(node, term.relation).way.to_one:
            raise ApiError(
                400,
                "PGRST118",
                f"A related order on '{term.relation}' is not possible",
                details=f"'{node.relation}' and '{term.relation}' "
                "do not form a many-to-one or one-to-one relationship",
            )
    for child in node.children:
        _check_orders(child)
