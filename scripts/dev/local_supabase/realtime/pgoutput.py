"""Reads PostgreSQL's logical replication messages, protocol version 1, text values.

Source: https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Unchanged:
    """Stands for a large value that an update left alone and PostgreSQL therefore left out."""


UNCHANGED = Unchanged()
Value = str | None | Unchanged
Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, and whether it is part of the replica identity."""

    name: str
    is_key: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as it was when the change was made."""

    oid: int
    schema: str
    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One committed row change. `old` holds what the replica identity gives: a key or a row."""

    kind: str
    relation: Relation
    new: Row
    old: Row
    committed_at: datetime
    transaction: int


class Decoder:
    """Remembers the tables and the transaction that the messages of one stream refer to."""

    def __init__(self) -> None:
        self._relations: dict[int, Relation] = {}
        self._committed_at = EPOCH
        self._transaction = 0

    def feed(self, message: bytes) -> Change | None:
        """Take one message; give the change that it tells of, if it does."""
        kind = message[:1]
        if kind == b"B":
            microseconds, self._transaction = struct.unpack_from(">qI", message, 9)
            self._committed_at = EPOCH + timedelta(microseconds=microseconds)
        elif kind == b"R":
            relation = _read_relation(_Reader(message))
            self._relations[relation.oid] = relation
        elif kind in (b"I", b"U", b"D"):
            return self._read_change(kind, _Reader(message))
        return None

    def _read_change(self, kind: bytes, reader: _Reader) -> Change:
        relation = self._relations[reader.number(4)]
        new: Row = {}
        old: Row = {}
        part = reader.take(1)
        if part in (b"K", b"O"):
            old = _read_row(relation, reader, keys_only=part == b"K")
            part = reader.take(1) if kind == b"U" else b""
        if part == b"N":
            new = _read_row(relation, reader, keys_only=False)
        if kind == b"U" and not old:
            # An update that left the key alone does not repeat it.
            old = {column.name: new[column.name] for column in relation.columns if column.is_key}
        for name, value in new.items():
            if value is UNCHANGED and name in old:
                new[name] = old[name]
        name = {b"I": "INSERT", b"U": "UPDATE", b"D": "DELETE"}[kind]
        return Change(name, relation, new, old, self._committed_at, self._transaction)


class _Reader:
    """A position in one message; starts behind the byte that names its kind."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 1

    def take(self, length: int) -> bytes:
        self._at += length
        return self._message[self._at - length : self._at]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def text(self) -> str:
        end = self._message.index(b"\0", self._at)
        value = self._message[self._at : end].decode()
        self._at = end + 1
        return value


def _read_relation(reader: _Reader) -> Relation:
    oid = reader.number(4)
    schema = reader.text() or "pg_catalog"
    name = reader.text()
    reader.take(1)  # the kind of replica identity; the columns' flags say what it comes to
    columns = []
    for _ in range(reader.number(2)):
        is_key = reader.number(1) & 1 == 1
        columns.append(Column(reader.text(), is_key))
        reader.take(8)  # the type's oid and modifier
    return Relation(oid, schema, name, tuple(columns))


def _read_row(relation: Relation, reader: _Reader, *, keys_only: bool) -> Row:
    reader.take(2)  # the number of columns, which the relation told
    row: Row = {}
    for column in relation.columns:
        kind = reader.take(1)
        value: Value = None
        if kind == b"u":
            value = UNCHANGED
        elif kind == b"t":
            value = reader.take(reader.number(4)).decode()
        if column.is_key or not keys_only:
            row[column.name] = value
    return row
