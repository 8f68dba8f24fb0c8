"""Rows of a flow of a test's own: a draft, which no conversation is on."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from tests.support.databases import Database


def add_flow(db: Database) -> int:
    """Add a draft with one state, `talking`; its id."""
    flow: int = db.value(
        "insert into private.flow_definitions (kind) values ('bid') returning id as flow"
    )
    db.query(
        """
        insert into private.flow_states (flow_id, state, position, title)
        values (%s, 'talking', 1, 'Talking')
        """,
        flow,
    )
    return flow


def add_field(db: Database, flow: int, action: str, field: str, type_: str, **more: Any) -> None:
    """Add a field to the input of an action; `more` are columns of private.flow_inputs."""
    add_row(
        db,
        "flow_inputs",
        {"flow_id": flow, "action": action, "field": field, "type": type_, "position": 1, **more},
    )


def add_action(db: Database, flow: int, action: str, **more: Any) -> None:
    """Let the brand owner do something in `talking`; `more` are columns of flow_actions."""
    place = {"flow_id": flow, "state": "talking", "role": "brand_owner", "position": 1}
    add_row(db, "flow_actions", {**place, "action": action, "text": action, **more})
    stay = {"name": action, "from_state": "talking", "to_state": "talking", "guards": []}
    place = {"flow_id": flow, "role": "brand_owner", "position": 1, "effects": []}
    add_row(db, "flow_transitions", {**place, **stay, "action": action})


def add_row(db: Database, table: str, row: dict[str, Any]) -> None:
    """Insert a row, with the column's own defaults for what it does not name."""
    columns = ", ".join(row)
    db.query(
        f"""
        insert into private.{table} ({columns})
        select {columns} from jsonb_populate_record(null::private.{table}, %s)
        """,  # noqa: S608 - the names are those of the test
        Jsonb(row),
    )
