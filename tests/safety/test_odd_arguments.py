"""Whatever a client sends, it is the client that was wrong: no call ends as a fault of the server.

PostgREST answers errors of Postgres by their SQLSTATE: class 22 (data exception) and 23502 are 400,
our own codes carry their status; almost everything else would be a 500.
"""

from __future__ import annotations

import uuid
from typing import Any

from tests.chat.scenes import Talk, dice, send
from tests.notifications.devices import register
from tests.support.crowds import OK, outcome
from tests.support.databases import Database

FUNCTIONS = """
select p.proname as name,
  array(select format_type(t, null) from unnest(p.proargtypes) as t) as types,
  p.proargnames[1:p.pronargs] as names
from pg_catalog.pg_proc as p
where p.pronamespace = 'public'::regnamespace
  and (p.pronargs = 0 or p.proargnames is not null)
  and has_function_privilege('authenticated', p.oid, 'execute')
  and not exists (
    select from pg_catalog.pg_depend as d where d.objid = p.oid and d.deptype = 'e'
  )
order by p.proname
"""
TEXTS = [
    "",
    " ",
    "a",
    "%",
    "\\",
    "'",
    '"',
    "\u0007",
    "🎉",
    "\u202eabc",
    "a" * 10_000,
    "नमस्ते",
    "1e400",
    "open",
    "web_push",
    "sent",
    "https://example.com/a",
    "https://" + "a" * 3000,
    "999999999999999999_" + str(uuid.UUID(int=1)),
    "influencer",
    "{}",
    "null",
]
NUMBERS = [0, 1, -1, 2_147_483_647, -2_147_483_648]
POOLS: dict[str, list[Any]] = {
    "text": TEXTS,
    "integer": NUMBERS,
    "bigint": [*NUMBERS, 9_223_372_036_854_775_807, -9_223_372_036_854_775_808],
    "numeric": [*NUMBERS, "NaN", "1e400", "-1e400", 1.5, "0.000000001", "Infinity"],
    "boolean": [True, False],
    "timestamp with time zone": ["infinity", "-infinity", "2020-02-02T00:00Z", "4713-01-01 BC"],
    "jsonb": [
        {},
        [],
        "text",
        1,
        True,
        {"a": None},
        {str(uuid.UUID(int=1)): 1e300},
        {str(uuid.UUID(int=1)): -1},
        {"p256dh": 1, "auth": []},
        [[[[]]]],
    ],
}


def test_no_odd_argument_is_the_servers_fault(db: Database, talk: Talk) -> None:
    chance = dice(59)
    register(db, talk.bharat, "phone")
    messages = [
        send(db, talk.asha, talk.id, "hi", expiration_hours=hours)["id"] for hours in (None, 1)
    ]
    ids = [talk.id, talk.asha, talk.bharat, *messages, uuid.UUID(int=0), uuid.UUID(int=1)]
    pools = {**POOLS, "uuid": [str(each) for each in ids]}
    functions = db.query(FUNCTIONS)
    assert len(functions) > 15
    faults = set()
    succeeded = set()
    for function in functions:
        arguments = dict(zip(function["names"] or [], function["types"], strict=True))
        for _ in range(12 * len(arguments)):
            chosen = {name: chance.choice([*pools[kind], None]) for name, kind in arguments.items()}
            with db.signed_in_as(chance.choice([talk.asha, talk.bharat])):
                end = outcome(lambda: db.call(function["name"], **chosen))  # noqa: B023
            if end == OK:
                succeeded.add(function["name"])
            # Our own codes are words; those of Postgres have five characters.
            elif len(end) == 5 and end[:2] != "22":
                faults.add((function["name"], end, str(chosen)[:300]))
    assert faults == set()
    assert len(succeeded) > 10
