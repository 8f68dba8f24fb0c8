"""Every function that the API has, with far more in each argument than anybody would send.

A pile of combining marks makes normalize() work with the square of its length, and nothing stops
it: 200 kB of it would keep a connection, and what it has locked, for a minute. Each door refuses it
by the code of that argument, after no more work than reading it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.chat.conftest import talk
from tests.chat.scenes import Talk, open_deal
from tests.support.databases import Database, Refusal, read_refusal

__all__ = ["talk"]

DOORS = """
select p.proname as name,
  array(select format_type(t, null) from unnest(p.proargtypes) as t) as types,
  p.proargnames[1:p.pronargs] as names,
  p.pronargs - p.pronargdefaults as required,
  has_function_privilege('authenticated', p.oid, 'execute') as is_for_users
from pg_catalog.pg_proc as p
where p.pronamespace = 'public'::regnamespace and p.pronargs > 0
  and not exists (
    select from pg_catalog.pg_depend as d where d.objid = p.oid and d.deptype = 'e'
  )
order by p.proname
"""
PILE = "a" + "\u0301" * 50_000 + "\u0316" * 50_000
DEEP: Any = []
for _ in range(500):
    DEEP = [DEEP]
# Refused by a code of its own.
CODES = {
    ("direct_connect", "initial_message"): "MESSAGE_TOO_LONG",
    ("send_message", "message"): "MESSAGE_TOO_LONG",
    ("send_message", "media_url"): "MEDIA_INVALID",
    ("complete_profile", "avatar_url"): "MEDIA_INVALID",
    ("validate_flow", "spec"): None,  # answers what is wrong with it
    ("publish_flow", "spec"): "FLOW_UNSOUND",
}


@dataclass(frozen=True)
class Door:
    """A function with one of its arguments, and valid values for the others."""

    function: str
    argument: str
    type: str
    others: dict[str, Any]
    is_for_users: bool


def doors(db: Database, values: dict[str, Any]) -> Iterator[Door]:
    for row in db.query(DOORS):
        types = dict(zip(row["names"], row["types"], strict=True))
        required = row["names"][: row["required"]]
        for name, kind in types.items():
            if kind in ("text", "jsonb"):
                others = {n: values.get(n, values.get(types[n])) for n in required if n != name}
                yield Door(row["name"], name, kind, others, row["is_for_users"])


@pytest.fixture
def values(db: Database, talk: Talk) -> dict[str, Any]:
    """Values that get a call as far as its first look at the argument in question."""
    for user, role in ((talk.asha, "influencer"), (talk.bharat, "brand_owner")):
        with db.signed_in_as(user):
            db.call("complete_profile", role=role, display_name=role)
    return {
        "conversation_id": open_deal(db, talk.bharat, talk.asha),
        "target_user_id": talk.bharat,
        "user_id": talk.bharat,
        "decision": "approve",
        "verdict": "release",
        "kind": "web_push",
        "reason": "spam",
        "text": "a",
        "jsonb": {},
        "uuid": uuid.UUID(int=7),
        "integer": 1,
        "bigint": 1,
        "numeric": 1,
        "boolean": True,
        "timestamp with time zone": "2030-01-01T00:00Z",
    }


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes, the quicker of two: the machine has other things to do as well."""

    def once() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return min(once(), once())


def test_no_door_works_on_what_is_too_large(
    db: Database, talk: Talk, values: dict[str, Any], subtests: pytest.Subtests
) -> None:
    db.query("insert into private.admins (user_id) values (%s) returning user_id", talk.chitra)

    def refusal(door: Door, value: Any) -> Refusal | None:
        """How the first one who may call it at all is refused."""
        seen = None
        for user in (talk.asha, talk.bharat, talk.chitra):
            with db.signed_in_as(user) if door.is_for_users else db.as_service():
                try:
                    db.call(door.function, **{**door.others, door.argument: value})
                except psycopg.Error as error:
                    seen = read_refusal(error)
                else:
                    return None
            if seen.code != "FORBIDDEN":
                break
        return seen

    def empty() -> None:
        with db.signed_in_as(talk.asha):
            db.call("unregister_push_token", token="a")
            # What it costs to bring as many bytes to the database.
            db.value("select length(%s::json #>> '{}')", f'"{"a" * 600_000}"')

    unit = seconds(empty)
    for door in doors(db, values):
        for value in (PILE,) if door.type == "text" else ({"a": PILE}, DEEP):
            with subtests.test(f"{door.function}({door.argument})", value=type(value).__name__):
                spent = seconds(lambda door=door, value=value: refusal(door, value))
                assert spent < 50 * unit, f"{spent / unit:.0f} empty calls"
                # The rest is called by the app alone, with what it has read itself.
                if door.is_for_users:
                    code = CODES.get((door.function, door.argument), "INPUT_INVALID")
                    seen = refusal(door, value)
                    assert (seen.code if seen else None) == code, (seen, door.others)


def test_sync_takes_2000_conversations(db: Database, talk: Talk) -> None:
    known = {str(uuid.UUID(int=n)): {"seq": n, "version": n} for n in range(2000)}
    with db.signed_in_as(talk.asha):
        db.call("sync", known=known)
        details = {"field": "known", "rule": "entries"}
        with db.refused("INPUT_INVALID", 422, details=details):
            db.call("sync", known=known | {str(uuid.uuid4()): {"seq": 1, "version": 1}})
