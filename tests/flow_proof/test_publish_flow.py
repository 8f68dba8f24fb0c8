"""publish_flow makes a sound flow the next version of its kind, and refuses every other."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.flow_proof.flows import KINDS, drop, rows, spec_in_use, state
from tests.flow_proof.mutants import Spec
from tests.support.databases import PATIENCE, Database


def version_in_use(db: Database, kind: str) -> int:
    """The version of the published flow; there is one."""
    version: int = db.value(
        "select version from private.flow_definitions where kind = %s and status = 'published'",
        kind,
    )
    return version


def retired(db: Database, kind: str) -> list[int]:
    """The versions of a kind before the one in use."""
    found = db.query(
        """
        select version from private.flow_definitions
        where kind = %s and status = 'retired' order by version
        """,
        kind,
    )
    return [row["version"] for row in found]


def publish(db: Database, spec: Spec) -> Any:
    """Publish as an operator."""
    with db.as_service():
        return db.call("publish_flow", spec=spec)


def flow_of(db: Database, one: uuid.UUID, other: uuid.UUID) -> Any:
    """The version of the flow that a conversation of the two is on."""
    with db.signed_in_as(one):
        conversation = db.call("direct_connect", target_user_id=other)["conversation"]
    return db.value(
        """
        select f.version from private.conversations as c
        join private.flow_definitions as f on f.id = c.flow_id
        where c.id = %s
        """,
        conversation["conversation_id"],
    )


def test_a_sound_flow_becomes_the_next_version(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    version = version_in_use(db, "bid")
    of_campaigns = version_in_use(db, "campaign")
    spec["rules"]["delivery_days"] = 21
    assert publish(db, spec) == {"kind": "bid", "version": version + 1}
    assert version_in_use(db, "bid") == version + 1
    assert spec_in_use(db, "bid") == spec
    spec["rules"]["delivery_days"] = 28
    assert publish(db, spec) == {"kind": "bid", "version": version + 2}
    assert retired(db, "bid")[-2:] == [version, version + 1]
    assert version_in_use(db, "campaign") == of_campaigns


@pytest.mark.parametrize("kind", KINDS)
def test_the_flow_in_use_is_not_published_again(db: Database, kind: str) -> None:
    before = db.query("select * from private.flow_definitions order by id")
    answer = publish(db, spec_in_use(db, kind))
    assert answer == {"kind": kind, "version": version_in_use(db, kind)}
    assert db.query("select * from private.flow_definitions order by id") == before


def test_an_older_flow_may_come_back(db: Database) -> None:
    first, second = spec_in_use(db, "direct"), spec_in_use(db, "direct")
    version = version_in_use(db, "direct")
    state(second, "real_time")["title"] = "Chat"
    publish(db, second)
    assert publish(db, first) == {"kind": "direct", "version": version + 2}
    assert spec_in_use(db, "direct") == first


def test_conversations_stay_on_the_flow_that_they_began_with(db: Database) -> None:
    asha, bharat, chitra = (db.create_user(name) for name in ("Asha", "Bharat", "Chitra"))
    version = version_in_use(db, "direct")
    assert flow_of(db, asha, bharat) == version
    spec = spec_in_use(db, "direct")
    state(spec, "real_time")["title"] = "Chat"
    publish(db, spec)
    assert flow_of(db, asha, bharat) == version
    assert flow_of(db, asha, chitra) == version + 1


def test_an_unsound_flow_is_refused_and_changes_nothing(db: Database) -> None:
    spec = spec_in_use(db, "bid")
    drop(spec, "brand_owner_cancels_before_start")
    before = db.query("select * from private.flow_definitions order by id")
    with db.refused("FLOW_UNSOUND", 422) as refusal:
        publish(db, spec)
    assert "P5" in {violation["property"] for violation in refusal.details["violations"]}
    assert db.query("select * from private.flow_definitions order by id") == before


def test_rows_that_cannot_be_stored_are_unsound_too(db: Database) -> None:
    with db.refused("FLOW_UNSOUND", 422) as refusal:
        publish(db, {"kind": "direct", "states": [{"state": "No name"}]})
    (violation,) = refusal.details["violations"]
    assert violation["property"] == "shape"
    assert refusal.message.startswith("This flow cannot be published, a fault was found.")


def test_a_draft_that_a_migration_fills_is_proved_as_well(db: Database) -> None:
    spec = spec_in_use(db, "direct")
    rows(spec, "party_closes_chat")[0]["awaiting"] = "other"
    draft = db.call_private("load_flow_draft", p_spec=spec)
    with db.refused("FLOW_UNSOUND", 422):
        db.call_private("publish_draft", p_flow_id=draft)


def test_a_draft_with_the_rows_in_use_is_dropped(db: Database) -> None:
    before = db.query("select * from private.flow_definitions order by id")
    draft = db.call_private("load_flow_draft", p_spec=spec_in_use(db, "bid"))
    db.call_private("publish_draft", p_flow_id=draft)
    assert db.query("select * from private.flow_definitions order by id") == before


def test_only_operators_publish(db: Database) -> None:
    asha = db.create_user("Asha")
    version = version_in_use(db, "direct")
    spec = spec_in_use(db, "direct")
    spec["states"][0]["title"] = "Nowhere"
    with db.signed_in_as(asha), db.refused("FORBIDDEN", 403):
        db.call("publish_flow", spec=spec)
    with db.as_anon(), db.refused("42501"):
        db.call("publish_flow", spec=spec)
    assert version_in_use(db, "direct") == version
    db.query("insert into private.admins (user_id) values (%s)", asha)
    with db.signed_in_as(asha):
        answer = db.call("publish_flow", spec=spec)
    assert answer == {"kind": "direct", "version": version + 1}


def test_two_publishers_at_once_follow_each_other(db: Database) -> None:
    other = db.session()
    one, two = spec_in_use(db, "bid"), spec_in_use(db, "bid")
    version = version_in_use(db, "bid")
    one["rules"]["rating_days"] = 15
    two["rules"]["rating_days"] = 16
    with db.transaction(), db.as_service(), other.as_service():
        assert db.call("publish_flow", spec=one)["version"] == version + 1
        waiting = other.start("publish_flow", spec=two)
        db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["version"] == version + 2
    assert retired(db, "bid")[-2:] == [version, version + 1]
    assert spec_in_use(db, "bid") == two


def test_publishers_of_different_kinds_do_not_wait(db: Database) -> None:
    other = db.session()
    one, two = spec_in_use(db, "bid"), spec_in_use(db, "campaign")
    one["rules"]["rating_days"] = 15
    two["rules"]["rating_days"] = 16
    with db.transaction(), db.as_service(), other.as_service():
        db.call("publish_flow", spec=one)
        assert other.call("publish_flow", spec=two)["kind"] == "campaign"
