"""The proof knows the guards, effects and values that the engine has, no more and no fewer."""

from __future__ import annotations

import pytest

from tests.flow_proof.flows import faults, spec_in_use
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


def test_texts_may_name_every_value_of_a_step(db: Database) -> None:
    asha, bharat = (db.create_user(name) for name in ("Asha", "Bharat"))
    with db.signed_in_as(asha):
        db.call("direct_connect", target_user_id=bharat)
    values = db.value(
        """
        select private.flow_values(
          jsonb_populate_record(
            null::private.flow_step,
            jsonb_build_object(
              'conversation', to_jsonb(c), 'actor_id', c.user_a, 'input', jsonb '{}'
            )
          )
        )
        from public.conversations as c
        """
    )
    assert {"actor", "other", "offer_text", "reason_hint"} <= set(values)
    spec = spec_in_use(db, "direct")
    message = spec["messages"][0]
    message["text"] = " ".join(f"{{{name}}}" for name in values)
    assert faults(db, spec, "shape") == {}
    message["text"] += " {nonsense}"
    assert list(faults(db, spec, "shape")) == [
        f"A message of {message['transition']} names {{nonsense}}, which nothing fills."
    ]
