"""A spec and the rows of a flow are two forms of one thing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow_proof.flows import KINDS, spec_in_use
from tests.support.databases import Database


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_of_a_flows_spec_has_the_same_spec(db: Database, kind: str) -> None:
    spec = spec_in_use(db, kind)
    draft = db.call_private("load_flow_draft", p_spec=spec)
    assert db.call_private("flow_spec", p_flow_id=draft) == spec
    assert db.query(
        "select status, version from private.flow_definitions where id = %s", draft
    ) == [{"status": "draft", "version": None}]


def test_what_a_spec_leaves_out_has_the_default_of_the_table(db: Database) -> None:
    draft = db.call_private(
        "load_flow_draft",
        p_spec={
            "kind": "direct",
            "states": [{"state": "real_time", "position": 1, "title": "Free chat"}],
            "transitions": [
                {
                    "name": "one",
                    "position": 1,
                    "from_state": "real_time",
                    "role": "member",
                    "action": "stay",
                    "to_state": "real_time",
                }
            ],
            "actions": [
                {
                    "state": "real_time",
                    "role": "member",
                    "action": "stay",
                    "position": 1,
                    "text": "Stay",
                }
            ],
            "inputs": [{"action": "stay", "field": "reason", "position": 1, "type": "text"}],
        },
    )
    spec = db.call_private("flow_spec", p_flow_id=draft)
    defaults: dict[str, dict[str, Any]] = {
        "states": {"waiting_on": "none", "free_text": False},
        "transitions": {"guards": [], "effects": []},
        "actions": {"style": "secondary", "drawn": "button"},
        "inputs": {"required": False, "is_secret": False},
    }
    for name, expected in defaults.items():
        (item,) = spec[name]
        assert {key: item[key] for key in expected} == expected
    assert (spec["rules"], spec["messages"], spec["traces"]) == ({}, [], [])
    # None of the tables' defaults was forgotten.
    assert db.query(
        """
        select c.table_name, c.column_name from information_schema.columns as c
        where c.table_schema = 'private' and c.column_default is not null
          and c.table_name in ('flow_states', 'flow_transitions', 'flow_messages', 'flow_actions',
            'flow_inputs', 'flow_traces')
        order by 1, 2
        """
    ) == [
        {"table_name": f"flow_{name}", "column_name": column}
        for name, expected in sorted(defaults.items())
        for column in sorted(expected)
    ]
