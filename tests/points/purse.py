"""What the tests of quota and points arrange and look at."""

from __future__ import annotations

import uuid
from typing import Any

from tests.support.databases import Database
from tests.support.operators import set_account


def set_quota(db: Database, user: uuid.UUID, *, free: int, price: int) -> None:
    """Give a user free messages a day and a price of each further one."""
    set_account(db, user, daily_free_limit=free, points_per_message=price)


def give_points(db: Database, user: uuid.UUID, points: int, **more: Any) -> Any:
    """The ledger's entry of points that the service grants."""
    arguments = {"reason": "bought", "grant_id": uuid.uuid4(), **more}
    with db.as_service():
        return db.call("grant_points", user_id=user, points=points, **arguments)


def quota_of(db: Database, user: uuid.UUID) -> Any:
    """The user's quota as the user gets it."""
    with db.signed_in_as(user):
        return db.call("get_quota")


def balance_and_sum(db: Database, user: uuid.UUID) -> tuple[int, int]:
    """The user's balance, and what the ledger adds up to."""
    (row,) = db.query(
        """
        select a.points_balance as balance,
          (select coalesce(sum(l.delta), 0)::bigint from private.points_ledger as l
           where l.user_id = a.user_id) as total
        from private.accounts as a where a.user_id = %s
        """,
        user,
    )
    return row["balance"], row["total"]
