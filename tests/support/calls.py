"""A call as PostgREST makes it: one transaction, with the role, claims and headers of the caller.

All of it travels in one message, as statements that the session prepared before: a test's time is
spent on what the functions do, not on the way there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import generators, sql
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

Row = dict[str, Any]
Connection = psycopg.Connection[Row]

# What PostgREST 14 sets before the call, and the role's settings (statement_timeout and the like),
# which PostgREST also reads once.
SIGN_IN = """
set local search_path = "public", "extensions"; set local role = {role};
set local request.jwt.claims = {claims}; set local request.method = 'POST';
set local request.path = {path}; set local request.headers = {headers};
set local request.cookies = '{{}}'; {settings}
"""
SETTINGS = """
select string_agg(
  format(
    'select set_config(%%L, %%L, true);', split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
  ),
  ' '
) as settings
from pg_catalog.pg_roles as r, unnest(r.rolconfig) as s
where r.rolname = %(role)s;
"""

# Found the way PostgREST finds it: by the name and the names of the arguments.
FIND_FUNCTION = """
select
  p.proretset as returns_set,
  p.prorettype = 'void'::regtype as returns_void,
  coalesce(
    (
      select json_object_agg(a.name, format_type(a.type, null))
      from unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes)
        as a (name, type, mode)
      where coalesce(a.mode, 'i') in ('i', 'b', 'v')
    ),
    '{}'
  ) as arguments
from pg_catalog.pg_proc as p
where p.pronamespace = %(schema)s::regnamespace and p.proname = %(name)s;
"""

# Around a call: what begins, ends and undoes it, alone and inside a transaction of the test, whose
# own statements go on as its login.
ALONE = ("begin", "commit", "rollback")
INSIDE = (
    "savepoint one_call",
    "set local role none; release one_call",
    "rollback to one_call; release one_call",
)


@dataclass(frozen=True)
class Identity:
    """Who calls: a database role, the claims of its token, and the request's headers."""

    role: str
    claims: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Known:
    """What a session has asked: settings of roles, and functions that it prepared."""

    settings: dict[str, str] = field(default_factory=dict)
    functions: dict[tuple[str, ...], tuple[str, bool]] = field(default_factory=dict)


_KNOWN: WeakKeyDictionary[Connection, Known] = WeakKeyDictionary()


def sign_in(connection: Connection, identity: Identity, path: str) -> None:
    """Let the rest of the transaction be this person's."""
    _send(connection, _sign_in(connection, identity, path))


def call_function(
    connection: Connection,
    schema: str,
    name: str,
    arguments: Mapping[str, Any],
    identity: Identity | None = None,
) -> Any:
    """Call a function as this person, or as the login; its answer, parsed from JSON."""
    statement, returns_void = _prepare_function(connection, schema, name, arguments)
    if arguments:
        statement += f"({_quote(json.dumps(arguments, default=str))})"
    who = _sign_in(connection, identity, f"/rpc/{name}") if identity else ""
    is_alone = connection.info.transaction_status == TransactionStatus.IDLE
    begin, end, undo = ALONE if is_alone else INSIDE
    try:
        results = _send(connection, f"{begin}; {who} execute {statement}; {end}")
    except psycopg.Error:
        if connection.info.transaction_status == TransactionStatus.INERROR:
            _send(connection, undo)
        raise
    answered = next(r for r in reversed(results) if r.status == ExecStatus.TUPLES_OK)
    answer = answered.get_value(0, 0)
    return None if answer is None or returns_void else json.loads(answer)


def _sign_in(connection: Connection, identity: Identity, path: str) -> str:
    settings, role = _KNOWN.setdefault(connection, Known()).settings, identity.role
    if role not in settings:
        (row,) = connection.execute(SETTINGS, {"role": role}).fetchall()
        settings[role] = row["settings"] or ""
    return SIGN_IN.format(
        role=_quote(role),
        claims=_quote(json.dumps(identity.claims)),
        path=_quote(path),
        headers=_quote(json.dumps(identity.headers)),
        settings=settings[role],
    )


def _prepare_function(
    connection: Connection, schema: str, name: str, arguments: Mapping[str, Any]
) -> tuple[str, bool]:
    functions = _KNOWN.setdefault(connection, Known()).functions
    key = (schema, name, *arguments)
    if key not in functions:
        statement = f"call_{len(functions)}"
        query, returns_void = _write_query(connection, schema, name, arguments)
        _send(connection, f"prepare {statement} as {query}")
        functions[key] = statement, returns_void
    return functions[key]


def _write_query(
    connection: Connection, schema: str, name: str, arguments: Mapping[str, Any]
) -> tuple[str, bool]:
    found = connection.execute(FIND_FUNCTION, {"schema": schema, "name": name}).fetchall()
    fitting = [row for row in found if arguments.keys() <= row["arguments"].keys()]
    assert len(fitting) == 1, (
        f"{len(fitting)} functions {schema}.{name} take ({', '.join(arguments)}); "
        f"there are {[row['arguments'] for row in found]}"
    )
    (function,) = fitting
    types = function["arguments"]
    query = sql.SQL(
        "select {answer} as answer from {body} {schema}.{name}({arguments}) as t"
    ).format(
        answer=sql.SQL("coalesce(json_agg(t), '[]')" if function["returns_set"] else "to_json(t)"),
        body=sql.SQL("json_to_record($1) as body ({columns}), ").format(
            columns=sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(key), sql.SQL(types[key]))
                for key in arguments
            )
        )
        if arguments
        else sql.SQL(""),
        schema=sql.Identifier(schema),
        name=sql.Identifier(name),
        arguments=sql.SQL(", ").join(
            sql.SQL("{} := body.{}").format(sql.Identifier(key), sql.Identifier(key))
            for key in arguments
        ),
    )
    return query.as_string(connection), function["returns_void"]


def _send(connection: Connection, statements: str) -> list[PGresult]:
    # libpq itself: psycopg would send one by one and wait for each.
    with connection.lock:
        connection.pgconn.send_query(statements.encode())
        results: list[PGresult] = connection.wait(generators.execute(connection.pgconn))
    if results[-1].status == ExecStatus.FATAL_ERROR:
        raise error_from_result(results[-1])
    return results


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
