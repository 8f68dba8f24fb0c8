"""The proof knows the guards and effects that the engine runs, no more and no fewer."""

from __future__ import annotations

import pytest

from tests.support.databases import Database

RUN_BY_THE_ENGINE = """
    select substr(p.proname, char_length(%(prefix)s) + 1) as name
    from pg_proc as p
    where p.pronamespace = 'private'::regnamespace and starts_with(p.proname, %(prefix)s)
      and p.proname <> %(chooser)s
"""


@pytest.mark.parametrize(
    ("proved", "prefix", "chooser"),
    [
        ("select name from private.flow_guards", "guard_", "guard_holds"),
        ("select name from private.flow_effects", "effect_", "run_effect"),
    ],
)
def test_the_proof_and_the_engine_have_one_list(
    db: Database, proved: str, prefix: str, chooser: str
) -> None:
    names = {row["name"] for row in db.query(proved)}
    run = db.query(RUN_BY_THE_ENGINE, {"prefix": prefix, "chooser": chooser})
    assert names == {row["name"] for row in run}
    body = db.value("select prosrc from pg_proc where proname = %s", chooser)
    assert {name for name in names if f"when '{name}' then" in body} == names


def test_every_guard_and_effect_is_used_by_a_flow(db: Database) -> None:
    assert (
        db.query(
            """
        select k.name from (
          select g.name from private.flow_guards as g
          union all select e.name from private.flow_effects as e
        ) as k
        where k.name not in (
          select unnest(t.guards || t.effects) from private.flow_transitions as t
        )
        """
        )
        == []
    )
