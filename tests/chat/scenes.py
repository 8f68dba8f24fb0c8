"""What the tests of the chat arrange: talks, deals, messages; and how they look at the whole."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from tests.market.scenes import BID, CAMPAIGN, open_deal_on
from tests.support.databases import Database

SYSTEM_USER = uuid.UUID(int=0)

# The keys of a message and of a conversation's context, as the contract names them.
MESSAGE_SHAPE = """
id conversation_id seq sender_id receiver_id message media_url attachments message_type visible_to
action_required action_data action_completed is_automated reply_to client_message_id expires_at
seen is_read read_at status created_at
"""
CONTEXT_SHAPE = """
conversation_id kind chat_status flow_state awaiting_role waiting_on automation_enabled my_role
current_action_data flow_data price amount_minor currency work_status deadline_at version last_seq
read_seq other_read_seq other_delivered_seq unread_count last_message other_party archived pinned
muted_until free_text_allowed created_at updated_at server_now
"""
MESSAGE_KEYS = frozenset(MESSAGE_SHAPE.split())
CONTEXT_KEYS = frozenset(CONTEXT_SHAPE.split())


@dataclass(frozen=True)
class Talk:
    """A direct chat of Asha and Bharat, and Chitra, who is in nobody's conversation."""

    id: str
    asha: uuid.UUID
    bharat: uuid.UUID
    chitra: uuid.UUID


def dice(seed: int) -> random.Random:
    """Chance that falls the same way in every run."""
    return random.Random(seed)  # noqa: S311


def open_talk(db: Database, user: uuid.UUID, other: uuid.UUID) -> str:
    """The id of the direct chat that `user` opens with `other`."""
    with db.signed_in_as(user):
        answer = db.call("direct_connect", target_user_id=other)
    return str(answer["conversation"]["conversation_id"])


def open_deal(
    db: Database,
    brand_owner: uuid.UUID,
    influencer: uuid.UUID,
    *,
    kind: str = "bid",
    flow_state: str = "real_time",
    awaiting_role: str | None = None,
) -> str:
    """The id of a deal in any state, arranged behind the flow's back."""
    ware = BID if kind == "bid" else CAMPAIGN
    owner, partner = (influencer, brand_owner) if ware is BID else (brand_owner, influencer)
    made = db.value(
        f"insert into {ware.table} as w (title, {ware.text}, {ware.owner_column}) "  # noqa: S608
        "values ('Three reels', 'For a tea house', %s) returning to_jsonb(w)",
        owner,
    )
    return open_deal_on(db, ware, made, partner, flow_state=flow_state, awaiting_role=awaiting_role)


def open_session(db: Database, user: uuid.UUID, *, refreshed: str = "now") -> str:
    """The id of a session that the user has on one more device, as Auth opens it."""
    session = str(uuid.uuid4())
    db.query(
        "insert into auth.sessions (id, user_id, created_at, updated_at, refreshed_at)"
        " values (%s, %s, %s, now(), %s::timestamptz at time zone 'utc')",
        *(session, user, refreshed, refreshed),
    )
    return session


def send(db: Database, user: uuid.UUID, conversation: str, text: str, **more: Any) -> Any:
    """The message that `user` has just sent."""
    with db.signed_in_as(user):
        answer = db.call("send_message", conversation_id=conversation, message=text, **more)
    return answer["message"]


def add_messages(
    db: Database, conversation: str, messages: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Messages of any kind, written past send_message as `postgres`; the rows, in order of seq.

    Each mapping names columns of public.messages (sender_id is needed, message_type is user_input
    """
    return [_add_message(db, conversation, message) for message in messages]


def _add_message(db: Database, conversation: str, message: Mapping[str, Any]) -> dict[str, Any]:
    (row,) = db.query(
        """
        with given as (
          select *
          from json_to_record(%s) as m (
            conversation_id uuid, sender_id uuid, receiver_id uuid, message text,
            message_type text, visible_to text, client_message_id uuid, expires_in interval
          )
        ),
        head as (
          update private.conversations as c
          set last_seq = c.last_seq + 1, last_message_at = now()
          from given as g
          where c.id = g.conversation_id
          returning c.last_seq
        )
        insert into public.messages (
          conversation_id, seq, sender_id, receiver_id, message, message_type, visible_to,
          client_message_id, expires_at, created_at
        )
        select g.conversation_id, head.last_seq, g.sender_id, g.receiver_id,
          coalesce(g.message, 'hello'), coalesce(g.message_type, 'user_input'),
          coalesce(g.visible_to, 'all'), g.client_message_id, now() + g.expires_in,
          least(now(), now() + g.expires_in - interval '1 hour')
        from given as g cross join head
        returning *
        """,
        json.dumps({"conversation_id": conversation, **message}, default=str),
    )
    return row


def let_pass(db: Database, message: str | uuid.UUID, time: str) -> None:
    """Let this much time pass for one message, by moving its own times back."""
    db.query(
        """
        update public.messages as m
        set created_at = m.created_at - gone.by, expires_at = m.expires_at - gone.by
        from (select %s::interval as by) as gone
        where m.id = %s
        """,
        *(time, message),
    )


def block(db: Database, blocker: uuid.UUID, blocked: uuid.UUID) -> None:
    """Let one user block another."""
    db.query("insert into public.blocks (blocker_id, blocked_id) values (%s, %s)", blocker, blocked)


def context_of(db: Database, user: uuid.UUID, conversation: str) -> Any:
    """The conversation's context as the user gets it."""
    with db.signed_in_as(user):
        return db.call("get_conversation_context", conversation_id=conversation)


def all_messages(db: Database, user: uuid.UUID, conversation: str) -> list[Any]:
    """Every message that the user gets, oldest first, read in pages of a hundred."""
    found: list[Any] = []
    with db.signed_in_as(user):
        while page := db.call(
            "get_messages",
            conversation_id=conversation,
            page_size=100,
            after_seq=found[-1]["seq"] if found else 0,
        ):
            assert not found or page[0]["seq"] > found[-1]["seq"], "a page comes again"
            found += page
    return found


def broadcasts(db: Database, *events: str) -> list[dict[str, Any]]:
    """The broadcast rows of these events, oldest first."""
    return db.query(
        """
        select topic, extension, event, payload, private from realtime.messages
        where event = any(%s)
        order by inserted_at, topic
        """,
        list(events),
    )


def everything(db: Database) -> dict[str, tuple[int, int | None]]:
    """Every table of ours and the broadcasts: how many rows, and a sum of what they say."""
    # Planning it takes longer than running it.
    if not db.query("select name from pg_prepared_statements where name = 'everything'"):
        db.query(f"prepare everything as {_ask_everything(db)}")
    return {t["name"]: (t["rows"], t["said"]) for t in db.query("execute everything")}


def _ask_everything(db: Database) -> str:
    tables = db.query(
        """
        select n.nspname as schema, c.relname as name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where (n.nspname in ('public', 'private') and c.relkind in ('r', 'p'))
          or (n.nspname, c.relname) = ('realtime', 'messages')
        """
    )
    # Rows of flows are many and long, and never written: who wrote them, and where, is enough.
    each = sql.SQL(" union all ").join(
        sql.SQL("select {}, count(*), sum(hashtextextended({}, 0)) from {} as t").format(
            f"{t['schema']}.{t['name']}",
            sql.SQL("t.xmin::text || t.ctid" if t["name"].startswith("flow_") else "t::text"),
            sql.Identifier(t["schema"], t["name"]),
        )
        for t in tables
    )
    return sql.SQL("select * from ({}) as t (name, rows, said)").format(each).as_string()
