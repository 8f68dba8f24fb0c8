"""Where content is kept: every column that a text of a user reaches, and when it is gone again.

The register of copies in docs/SECURITY.md names the columns; a marker that is planted through every
function is looked for in every column of every table.
"""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

from psycopg import sql

from tests.chat.conftest import talk
from tests.chat.scenes import Talk
from tests.flow.deals import Cast, Play, gather_cast, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.notifications.devices import KEYS, register
from tests.support.databases import Database
from tests.support.operators import OWN_SCHEMAS, let_expire

__all__ = ["talk"]

PAGE = Path(__file__).parents[2] / "docs" / "SECURITY.md"
COLUMN = re.compile(r"`((?:public|private|realtime)\.\w+\.\w+)`")


def find_columns(db: Database, marker: str) -> set[str]:
    """The columns of the whole database in which the marker stands, also in the middle of bytes."""
    tables = db.query_as_superuser(
        """
        select n.nspname as schema, c.relname as name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'm') and n.nspname <> all(%s) and not c.relispartition
        """,
        list(OWN_SCHEMAS),
    )
    found = set()
    for table in tables:
        place = sql.Identifier(table["schema"], table["name"])
        query = sql.SQL(
            "select distinct c.key from {} as t, jsonb_each_text(to_jsonb(t)) as c "
            "where position(%s in c.value) > 0 or position(%s in c.value) > 0"
        ).format(place)
        connection = db._connection("supabase_admin")
        rows = connection.execute(query, (marker, marker.encode().hex())).fetchall()
        found |= {f"{table['schema']}.{table['name']}.{row['key']}" for row in rows}
    return found


def new_marker() -> str:
    return f"marker{uuid.uuid4().hex}"


class Planter:
    """Plants a marker of its own in every text that a function stores, and remembers which."""

    def __init__(self) -> None:
        self.markers: dict[str, str] = {}

    def __call__(self, name: str, form: str = "{}") -> str:
        """A text with a new marker in it, for this argument."""
        self.markers[name] = new_marker()
        return form.format(self.markers[name])


def plant_everywhere(db: Database, cast: Cast, plant: Planter) -> Play:
    """Call every function that stores what somebody writes; a deal that holds no money."""
    url = "https://cdn.example.com/{}.jpg"
    with db.signed_in_as(cast.asha):
        db.call(
            "complete_profile",
            display_name=plant("complete_profile.display_name"),
            avatar_url=plant("complete_profile.avatar_url", url),
        )
        db.call(
            "register_push_token",
            kind="web_push",
            token=plant("register_push_token.token", "https://push.example.com/{}"),
            keys=KEYS,
        )
        db.call(
            "create_bid",
            title=plant("create_bid.title"),
            description=plant("create_bid.description"),
        )
        chat = db.call(
            "direct_connect",
            target_user_id=cast.bharat,
            initial_message=plant("direct_connect.initial_message"),
        )["conversation"]["conversation_id"]
    with db.signed_in_as(cast.bharat):
        sent = db.call(
            "send_message",
            conversation_id=chat,
            message=plant("send_message.message"),
            media_url=plant("send_message.media_url", url),
        )["message"]
        campaign = db.call(
            "create_campaign",
            title=plant("create_campaign.title"),
            brief=plant("create_campaign.brief"),
        )["id"]
    with db.signed_in_as(cast.asha):
        db.call(
            "report_message",
            message_id=sent["id"],
            reason="spam",
            details=plant("report_message.details"),
        )
        db.call(
            "apply_to_campaign",
            campaign_id=campaign,
            quote=500,
            pitch=plant("apply_to_campaign.pitch"),
            client_action_id=uuid.uuid4(),
        )
    with db.signed_in_as(cast.omkar):
        db.call(
            "grant_points",
            user_id=cast.asha,
            points=5,
            reason=plant("grant_points.reason"),
            grant_id=uuid.uuid4(),
        )
    play = open_play(db, cast, "bid", "work_in_progress")

    def act(role: str, action: str, field: str, **more: Any) -> None:
        given = {field: plant(f"{action}.{field}"), **more}
        play.call(role, action, given, client_action_id=uuid.uuid4())

    with db.signed_in_as(cast.asha):
        db.call(
            "submit_work",
            conversation_id=play.id,
            deliverables=plant("submit_work.deliverables"),
            description=plant("submit_work.description"),
            submission_notes=plant("submit_work.submission_notes"),
            client_action_id=uuid.uuid4(),
        )
    with db.signed_in_as(cast.bharat):
        db.call(
            "review_work",
            conversation_id=play.id,
            decision="request_revision",
            feedback=plant("review_work.feedback"),
            client_action_id=uuid.uuid4(),
        )
    act(BRAND_OWNER, "request_cancellation", "reason")
    play.call(INFLUENCER, "decline_cancellation", {})
    with db.signed_in_as(cast.omkar):
        db.call("force_dispute", conversation_id=play.id, reason=plant("force_dispute.reason"))
        db.call(
            "resolve_dispute",
            conversation_id=play.id,
            verdict="refund",
            note=plant("resolve_dispute.note"),
        )

    play = open_play(db, cast, "bid", "real_time")
    act(INFLUENCER, "rate_collaboration", "comment", rating=5)
    with db.signed_in_as(cast.omkar):
        (payout,) = db.call("list_payouts")
        db.call(
            "mark_payout_paid",
            payout_id=payout["id"],
            reference=plant("mark_payout_paid.reference"),
        )

    play = open_play(db, cast, "bid", "brand_owner_details")
    act(BRAND_OWNER, "send_project_details", "details")
    act(INFLUENCER, "request_details_change", "question")
    with db.signed_in_as(cast.omkar):
        db.call("force_close", conversation_id=play.id, reason=plant("force_close.reason"))
    return play


def registered() -> set[str]:
    """The columns that the register of copies names."""
    page = PAGE.read_text("utf-8")
    section = page.split("## Register of copies", 1)[1].split("\n## ", 1)[0]
    return set(COLUMN.findall(section))


def test_every_column_that_keeps_what_somebody_wrote_is_in_the_register(db: Database) -> None:
    plant = Planter()
    plant_everywhere(db, gather_cast(db), plant)
    kept = {name: find_columns(db, marker) for name, marker in plant.markers.items()}
    assert {name for name, columns in kept.items() if not columns} == set(), "planted nowhere"
    columns = set().union(*kept.values())
    assert columns <= registered(), {
        column: [name for name, found in kept.items() if column in found]
        for column in columns - registered()
    }


def test_the_register_names_no_column_that_is_gone(db: Database) -> None:
    there = {
        row["name"]
        for row in db.query(
            """
            select n.nspname || '.' || c.relname || '.' || a.attname as name
            from pg_catalog.pg_attribute as a
            join pg_catalog.pg_class as c on c.oid = a.attrelid
            join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
            where a.attnum > 0 and not a.attisdropped
            """
        )
    }
    assert registered() <= there


def test_a_message_that_disappears_is_in_one_row_whatever_was_done_while_it_lived(
    db: Database, talk: Talk
) -> None:
    """Also in no stored answer: repeats of what opens a deal, and of the send itself."""
    marker = new_marker()
    for user, role in ((talk.asha, INFLUENCER), (talk.bharat, BRAND_OWNER)):
        with db.signed_in_as(user):
            db.call("complete_profile", role=role, display_name=role)
    register(db, talk.bharat, "phone")
    # A deal in free chat shows it as its last message.
    deal = open_play(
        db, Cast(talk.asha, talk.bharat, talk.chitra, talk.chitra), "bid", "real_time"
    ).id
    (row,) = db.query("select bid_id from private.conversations where id = %s", deal)
    opening = {"bid_id": row["bid_id"], "client_action_id": uuid.uuid4()}
    sending = {
        "conversation_id": talk.id,
        "message": marker,
        "media_url": f"https://cdn.example.com/{marker}",
        "expiration_hours": 1,
        "client_message_id": uuid.uuid4(),
    }
    with db.signed_in_as(talk.asha):
        sent = db.call("send_message", **sending)["message"]
        in_deal = db.call(
            "send_message",
            **{**sending, "conversation_id": deal, "client_message_id": uuid.uuid4()},
        )["message"]
    with db.signed_in_as(talk.bharat):
        assert marker in json.dumps(db.call("connect_bid", **opening))
        db.call("sync", known={})
        assert db.call("search_messages", query=marker)
    with db.as_service():
        assert db.call("take_pushes")
    assert find_columns(db, marker) == {"public.messages.message", "public.messages.media_url"}

    let_expire(db, sent["id"], in_deal["id"], days_ago=31)
    with db.signed_in_as(talk.bharat):
        assert marker not in json.dumps(db.call("connect_bid", **opening))
    with db.signed_in_as(talk.asha):
        assert marker not in json.dumps(db.call("send_message", **sending))
        assert db.call("login_cleanup")["scrubbed"] == 2
    assert find_columns(db, marker) == set()


def test_scrubbing_a_conversation_forgets_what_its_steps_said(db: Database) -> None:
    plant = Planter()
    cast = gather_cast(db)
    play = plant_everywhere(db, cast, plant)
    steps = ("send_project_details.details", "request_details_change.question")
    for name in steps:
        assert "public.conversation_events.details" in find_columns(db, plant.markers[name])
    with db.signed_in_as(cast.omkar):
        db.call("scrub_conversation_history", conversation_id=play.id, reason="asked for")
    for name in steps:
        # The messages of the steps are no part of the history.
        assert "public.conversation_events.details" not in find_columns(db, plant.markers[name])
