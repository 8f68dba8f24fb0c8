"""Relationships for embedding are read by the index, and exist for every key that a row names."""

from __future__ import annotations

import re

from tests.chat.conftest import talk
from tests.chat.scenes import Talk
from tests.support.databases import Database

__all__ = ["talk"]


def test_postgres_inlines_every_relationship(db: Database, talk: Talk) -> None:
    # As PostgREST embeds them.
    query = """
        explain select 1
        from public.conversations as c
        left join lateral (select * from public.messages(c) order by seq desc limit 1) as a on true
        left join lateral (select * from public.brand_owner(c)) as b on true
        left join lateral (select * from public.influencer(c)) as d on true
        left join public.messages as m on true
        left join lateral (select * from public.conversations(m)) as e on true
        left join lateral (select * from public.sender(m)) as f on true
        left join lateral (select * from public.receiver(m)) as g on true
    """
    with db.signed_in_as(talk.asha):
        plan = "\n".join(row["QUERY PLAN"] for row in db.select(query))
    assert "Index Scan" in plan
    # What is called is only what makes a conversation's row one of now.
    assert set(re.findall(r"Function Scan on (\w+)", plan)) == {"conversation_now"}
