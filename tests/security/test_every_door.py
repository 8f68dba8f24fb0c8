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
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.chat.conftest import talk
from tests.chat.scenes import Talk, open_deal
from tests.flow.deals import gather_cast, open_play
from tests.support.databases import Database, Refusal, read_refusal

__all__ = ["talk"]

DOORS = """
select p.proname as name,
  array(select format_type(t, null) from unnest(p.proargtypes) as t) as types,
  p.proargnames[1:p.pronargs] as names,
  p.pronargs - p.pronargdefaults as required,
  has_function_privilege('authenticated', p.oid, 'execute') as is_for_users
from pg_catalog.pg_proc as p
where p.pronamespace = 'public'::regnamespace and p.pronargs > 0 and p.proargnames is not null
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
    """Each function with each of its texts and JSON values."""
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


def seconds(call: Callable[[], Any], enough: float = 0) -> float:
    """How long a call takes; the quicker of two, unless the first is as quick as is `enough`.

    The machine has other things to do as well.
    """

    def once() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    spent = once()
    return spent if spent < enough else min(spent, once())


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
            seen: list[Refusal | None] = []
            with subtests.test(f"{door.function}({door.argument})", value=type(value).__name__):
                spent = seconds(lambda: seen.append(refusal(door, value)), 50 * unit)  # noqa: B023
                assert spent < 50 * unit, f"{spent / unit:.0f} empty calls"
                # The rest is called by the app alone, with what it has read itself.
                if door.is_for_users:
                    code = CODES.get((door.function, door.argument), "INPUT_INVALID")
                    codes = {one.code if one else None for one in seen}
                    assert codes == {code}, (seen, door.others)


def test_what_is_charged_to_no_limit_is_cheap(db: Database) -> None:
    """A trial of any step, a page of any history, and what somebody else's flow would cost."""
    deal = open_play(db, gather_cast(db), "bid", "real_time")
    steps = 400
    db.query(
        """
        insert into public.conversation_events (
          conversation_id, version, actor_role, action, from_state, to_state,
          created_at, effective_at, commitment, hash
        )
        select %s, 1000 + n, 'system', 'x', 'real_time', 'real_time', now(), now(), '', ''
        from generate_series(1, %s) as n
        """,
        *(deal.id, steps),
    )
    spec = db.value("select private.flow_spec(f.id) from private.flow_definitions as f limit 1")
    here = {"conversation_id": deal.id}

    def ask(function: str, **arguments: Any) -> None:
        with db.signed_in_as(deal.cast.bharat):
            db.call(function, **arguments)

    def refused() -> None:
        with db.refused("FORBIDDEN", 403):
            ask("validate_flow", spec=spec)

    unit = seconds(partial(ask, "get_conversation_context", **here))
    for action, given in (("rate_collaboration", {"rating": 5}), ("close_conversation", {})):
        spent = seconds(partial(ask, "simulate_action", action=action, input=given, **here))
        assert spent < 10 * unit, (action, spent / unit)
    spent = seconds(partial(ask, "get_conversation_history", page_size=10**6, **here))
    assert spent < 10 * unit, spent / unit
    spent = seconds(refused)
    db.query("insert into private.admins (user_id) values (%s)", deal.cast.bharat)
    assert spent < seconds(partial(ask, "validate_flow", spec=spec)) / 5


def test_sync_takes_2000_conversations(db: Database, talk: Talk) -> None:
    known = {str(uuid.UUID(int=n)): {"seq": n, "version": n} for n in range(2000)}
    with db.signed_in_as(talk.asha):
        db.call("sync", known=known)
        details = {"field": "known", "rule": "entries"}
        with db.refused("INPUT_INVALID", 422, details=details):
            db.call("sync", known=known | {str(uuid.uuid4()): {"seq": 1, "version": 1}})


def test_no_door_opens_for_an_anonymous_or_a_deleted_login(
    db: Database, talk: Talk, values: dict[str, Any], subtests: pytest.Subtests
) -> None:
    nobody, gone = uuid.uuid4(), db.create_user("Gone")
    db.query_as_superuser(
        "insert into auth.users (id, aud, role, is_anonymous) "
        "values (%s, 'authenticated', 'authenticated', true) returning id",
        nobody,
    )
    db.query_as_superuser("delete from auth.users where id = %s returning id", gone)
    operators = {
        row["name"]
        for row in db.query(
            "select proname as name from pg_catalog.pg_proc "
            "where pronamespace = 'private'::regnamespace "
            "and prosrc ~ 'require_operator'"
        )
    }
    for row in db.query(DOORS.replace("p.pronargs > 0", "true")):
        if not row["is_for_users"]:
            continue
        types = dict(zip(row["names"] or [], row["types"], strict=True))
        required = (row["names"] or [])[: row["required"]]
        arguments = {name: values.get(name, values.get(types[name])) for name in required}
        for user, code, status in ((nobody, "FORBIDDEN", 403), (gone, "AUTH_REQUIRED", 401)):
            # An operator's function tells everybody else the same.
            if row["name"] in operators:
                code, status = "FORBIDDEN", 403
            with (
                subtests.test(row["name"], code=code),
                db.signed_in_as(user),
                db.refused(code, status),
            ):
                db.call(row["name"], **arguments)


def test_an_anonymous_or_a_deleted_login_reads_no_row_and_hears_no_topic(
    db: Database, talk: Talk, values: dict[str, Any]
) -> None:
    with db.signed_in_as(talk.asha):
        db.call("create_bid", title="A reel", description="One reel")
        db.call("block_user", user_id=talk.chitra)
    tables = [
        row["name"]
        for row in db.query(
            "select c.relname as name from pg_catalog.pg_class as c "
            "where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') "
            "and has_any_column_privilege('authenticated', c.oid, 'select')"
        )
    ]
    topics = (f"user:{talk.asha}", f"conversation:{talk.id}")

    def seen() -> tuple[int, int]:
        with db.signed_in_as(talk.asha):
            rows = sum(len(db.select(f"select 1 from public.{name}")) for name in tables)  # noqa: S608
            heard = sum(
                db.select("select private.is_my_topic(%s, false) as it", topic)[0]["it"]
                for topic in topics
            )
        return rows, heard

    rows, heard = seen()
    assert rows > 5
    assert heard == 2
    # As a login that is anonymous, or gone: without an account.
    db.query("delete from private.accounts where user_id = %s returning user_id", talk.asha)
    assert seen() == (0, 0)


def test_an_anonymous_login_gets_an_account_when_it_becomes_somebodys(db: Database) -> None:
    user = db.query_as_superuser(
        "insert into auth.users (id, aud, role, is_anonymous) "
        "values (gen_random_uuid(), 'authenticated', 'authenticated', true) returning id"
    )[0]["id"]
    with db.signed_in_as(user), db.refused("FORBIDDEN", 403):
        db.call("get_quota")
    db.query_as_superuser(
        "update auth.users set is_anonymous = false where id = %s returning id", user
    )
    with db.signed_in_as(user):
        assert db.call("get_profile")["id"] == str(user)
