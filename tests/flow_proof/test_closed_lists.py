"""The proof knows the guards, effects and values that the engine has, no more and no fewer."""

from __future__ import annotations

import re

from tests.flow_proof.flows import misshapen, spec_in_use
from tests.support.databases import Database

CASES = re.compile(r"^ +when\s+((?:'\w+',?\s+)+)then$", re.MULTILINE)


def cases(db: Database, *functions: str) -> set[str]:
    """What the CASEs of these functions choose between."""
    query = "select string_agg(prosrc, '') from pg_proc where proname = any (%s)"
    body = db.value(query, list(functions))
    return {name for line in CASES.findall(body) for name in re.findall(r"\w+", line)}


def test_the_proof_and_the_engine_have_one_list_of_guards(db: Database) -> None:
    names = {row["name"] for row in db.query("select name from private.flow_guards")}
    assert names == cases(db, "failed_guards")


def test_the_proof_and_the_engine_have_one_list_of_effects(db: Database) -> None:
    names = {row["name"] for row in db.query("select name from private.flow_effects")}
    families = [
        row["name"]
        for row in db.query("select proname as name from pg_proc where proname like 'affect\\_%%'")
    ]
    assert len(families) == 5
    assert names == cases(db, *families)
    chosen = db.value("select prosrc from pg_proc where proname = 'advance_conversation'")
    for family in families:
        (listed,) = re.findall(
            rf"when v_effect in \(([^)]*)\) then\s+v_step\.conversation := private\.{family}\(",
            chosen,
        )
        assert set(re.findall(r"\w+", listed)) == cases(db, family)


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
        from private.conversations as c
        """
    )
    assert {"actor", "other", "offer_text", "reason_hint"} <= set(values)
    spec = spec_in_use(db, "direct")
    message = spec["messages"][0]
    # What parties typed is only ever quoted.
    typed = {"details", "pitch", "reason_hint"}
    message["text"] = " ".join(f"{{{name}}}" for name in values if name not in typed)
    message["quote"] = " ".join(f"{{{name}}}" for name in typed)
    assert misshapen(db, spec) == []
    message["text"] += " {nonsense}"
    assert misshapen(db, spec) == [
        f"A message of {message['transition']} names {{nonsense}}, which nothing fills."
    ]
