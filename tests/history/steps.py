"""What the tests of histories arrange: steps past every rule, and hands in the tables."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.calls import Row
from tests.support.databases import Database


@dataclass(frozen=True)
class Story:
    """A chat of Asha and Bharat with a history; Chitra is in nobody's conversation."""

    id: str
    asha: uuid.UUID
    bharat: uuid.UUID
    chitra: uuid.UUID


def open_chat(db: Database, user: uuid.UUID, other: uuid.UUID) -> str:
    """The id of a direct chat that no step of the flow has made."""
    chat = db.value(
        """
        with made as (
          insert into private.conversations (kind, user_a, user_b, flow_state)
          select 'direct', least(g.a, g.b), greatest(g.a, g.b), 'real_time'
          from (values (%s::uuid, %s::uuid)) as g (a, b)
          returning id, user_a, user_b
        ),
        joined as (
          insert into private.participants (conversation_id, user_id, role)
          select made.id, member.id, 'member'
          from made, unnest(array[made.user_a, made.user_b]) as member (id)
        )
        select id from made
        """,
        *(user, other),
    )
    return str(chat)


def open_deal_with_money(db: Database, brand_owner: uuid.UUID, influencer: uuid.UUID) -> str:
    """The id of a deal that holds 500 rupees; no step of the flow has made it."""
    deal = db.value(
        """
        with bid as (
          insert into public.bids (influencer_id, title, description)
          values (%(influencer)s, 'Reel', 'One reel')
          returning id, influencer_id
        ),
        made as (
          insert into private.conversations (
            kind, bid_id, user_a, user_b, brand_owner_id, influencer_id, flow_state,
            captured_minor, held_minor, released_minor, fee_minor, refunded_minor,
            charged_back_minor
          )
          select
            'bid', bid.id, least(%(brand_owner)s::uuid, bid.influencer_id),
            greatest(%(brand_owner)s::uuid, bid.influencer_id), %(brand_owner)s::uuid,
            bid.influencer_id, 'work_in_progress', 50000, 50000, 0, 0, 0, 0
          from bid
          returning id
        )
        select id from made
        """,
        {"brand_owner": brand_owner, "influencer": influencer},
    )
    return str(deal)


def take_step(
    db: Database,
    conversation: str,
    action: str,
    to_state: str,
    actor: uuid.UUID | None = None,
    *,
    role: str = "member",
    details: Mapping[str, Any] | None = None,
    from_state: str | None = None,
    at: datetime | None = None,
) -> None:
    """Move a conversation on and append the event, as the engine does it.

    `from_state` and `at` are where the conversation was and now, unless given.
    """
    (before,) = db.query("select flow_state from private.conversations where id = %s", conversation)
    db.query(
        "update private.conversations set version = version + 1, flow_state = %s where id = %s",
        *(to_state, conversation),
    )
    db.query(
        """
        select private.append_event(
          jsonb_populate_record(
            null::private.flow_step,
            jsonb_build_object(
              'conversation', c, 'actor_id', %(actor)s::uuid, 'role', %(role)s::text,
              'action', %(action)s::text, 'at', coalesce(%(at)s, clock_timestamp())
            )
          ),
          %(from_state)s, %(details)s
        )
        from private.conversations as c where c.id = %(conversation)s
        """,
        {
            "conversation": conversation,
            "actor": actor,
            "role": role,
            "action": action,
            "at": at,
            "from_state": from_state or before["flow_state"],
            "details": None if details is None else json.dumps(details),
        },
    )


def events_of(db: Database, conversation: str) -> list[Row]:
    """The rows of a conversation's history, in order."""
    return db.query(
        "select * from public.conversation_events where conversation_id = %s order by version",
        conversation,
    )


def tamper(db: Database, change: str, *parameters: Any) -> None:
    """Run one statement as the superuser, past triggers and foreign keys."""
    db.query_as_superuser("set session_replication_role = replica")
    try:
        db.query_as_superuser(change, *parameters)
    finally:
        db.query_as_superuser("reset session_replication_role")


def verify(db: Database, conversation: str) -> Any:
    """What the service learns of a history."""
    with db.as_service():
        return db.call("verify_conversation", conversation_id=conversation)
