"""Setting system_user_id: who sends what the system says."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.chat.scenes import open_talk
from tests.flow.deals import gather_cast
from tests.support.databases import Database
from tests.support.operators import set_setting

SENDERS = "select distinct sender_id::text as id from public.messages"


def test_the_system_speaks_as_the_card_that_the_setting_names(db: Database) -> None:
    cast = gather_cast(db)
    open_talk(db, cast.asha, cast.bharat)
    assert db.query(SENDERS) == [{"id": str(uuid.UUID(int=0))}]
    company = uuid.uuid4()
    db.query("delete from public.messages")
    db.query(
        "insert into public.users (id, role, display_name) values (%s, 'system', 'Company')",
        company,
    )
    set_setting(db, "system_user_id", str(company))
    open_talk(db, cast.asha, cast.chitra)
    assert db.query(SENDERS) == [{"id": str(company)}]


def test_nobody_else_can_be_the_system(db: Database) -> None:
    for value in (str(db.create_user("Asha")), str(uuid.uuid4()), "x"):
        with pytest.raises(psycopg.errors.CheckViolation, match="with the role system"):
            set_setting(db, "system_user_id", value)
