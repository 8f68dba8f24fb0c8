"""Every RPC needs a user."""

from __future__ import annotations

import pytest

from tests.support.databases import Database

# Whatever a signed-in user may call, with the names of its arguments. What the service may call
# too is for operators, and asks who the operator is.
CALLABLE = """
select p.proname as name, coalesce(p.proargnames, '{}') as arguments
from pg_catalog.pg_proc as p
where p.pronamespace = 'public'::regnamespace
  and has_function_privilege('authenticated', p.oid, 'execute')
  and not has_function_privilege('service_role', p.oid, 'execute')
"""


def test_a_token_without_a_user_is_refused_by_every_call(
    db: Database, subtests: pytest.Subtests
) -> None:
    asha = db.create_user("Asha")
    functions = db.query(CALLABLE)
    assert {"send_message", "sync", "complete_profile"} <= {row["name"] for row in functions}
    for function in functions:
        nothing = dict.fromkeys(function["arguments"])
        with (
            subtests.test(function["name"]),
            db.signed_in_as(asha, sub=None),
            db.refused("AUTH_REQUIRED", 401) as refusal,
        ):
            db.call(function["name"], **nothing)
        assert refusal.hint
