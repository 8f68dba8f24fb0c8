"""Bids and campaigns, who is there to deal, and deals on them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from tests.support.databases import Database

Role = Literal["influencer", "brand_owner"]


@dataclass(frozen=True)
class Ware:
    """A bid or a campaign: what its functions, columns and refusals are called."""

    kind: str
    table: str
    text: str
    money: str
    owner_role: Role
    not_found: str

    @property
    def owner_column(self) -> str:
        """Where the table says whose it is."""
        return f"{self.owner_role}_id"


BID = Ware("bid", "public.bids", "description", "amount", "influencer", "BID_NOT_FOUND")
CAMPAIGN = Ware(
    *("campaign", "public.campaigns", "brief", "budget"),
    owner_role="brand_owner",
    not_found="CAMPAIGN_NOT_FOUND",
)
WARES = (BID, CAMPAIGN)


@dataclass(frozen=True)
class Market:
    """Asha and Dev are influencers, Bharat and Chitra brand owners; they have not met yet."""

    asha: uuid.UUID
    bharat: uuid.UUID
    chitra: uuid.UUID
    dev: uuid.UUID

    @property
    def everybody(self) -> set[uuid.UUID]:
        """All four."""
        return {self.asha, self.bharat, self.chitra, self.dev}

    def owner(self, ware: Ware) -> uuid.UUID:
        """Whose bid, or campaign, the tests look at."""
        return self.asha if ware.owner_role == "influencer" else self.bharat

    def partner(self, ware: Ware) -> uuid.UUID:
        """Who deals with the owner."""
        return self.bharat if ware.owner_role == "influencer" else self.asha

    def rival(self, ware: Ware) -> uuid.UUID:
        """Somebody of the owner's own trade."""
        return self.dev if ware.owner_role == "influencer" else self.chitra

    def stranger(self, ware: Ware) -> uuid.UUID:
        """Somebody of the partner's trade, who has no deal with the owner."""
        return self.chitra if ware.owner_role == "influencer" else self.dev


def join(db: Database, name: str, role: Role) -> uuid.UUID:
    """Sign somebody up and complete the profile."""
    user = db.create_user(name)
    with db.signed_in_as(user):
        db.call("complete_profile", role=role, display_name=name)
    return user


def open_market(db: Database) -> Market:
    """Two influencers and two brand owners, each with a profile."""
    return Market(
        asha=join(db, "Asha", "influencer"),
        bharat=join(db, "Bharat", "brand_owner"),
        chitra=join(db, "Chitra", "brand_owner"),
        dev=join(db, "Dev", "influencer"),
    )


def create(db: Database, ware: Ware, owner: uuid.UUID, **arguments: Any) -> Any:
    """The bid or campaign that the user makes: a good one, but for the arguments given."""
    good = {"title": "Three reels", ware.text: "For a tea house in Pune."}
    with db.signed_in_as(owner):
        return db.call(f"create_{ware.kind}", **{**good, **arguments})


def close(db: Database, ware: Ware, user: uuid.UUID, ware_id: Any) -> Any:
    """What the user hears when closing it."""
    with db.signed_in_as(user):
        return db.call(f"close_{ware.kind}", **{f"{ware.kind}_id": ware_id})


def open_deal_on(
    db: Database,
    ware: Ware,
    made: Any,
    partner: uuid.UUID,
    *,
    flow_state: str = "real_time",
    awaiting_role: str | None = None,
) -> str:
    """The id of a deal on a bid or campaign, in any state, arranged behind the flow's back."""
    owner = uuid.UUID(made[ware.owner_column])
    brand_owner, influencer = (partner, owner) if ware is BID else (owner, partner)
    insert = sql.SQL(
        """
        with made as (
          insert into private.conversations (
            kind, {subject}, user_a, user_b, brand_owner_id, influencer_id, flow_id, flow_state,
            awaiting_role, captured_minor, held_minor, released_minor, fee_minor, refunded_minor,
            charged_back_minor
          )
          values (
            %(kind)s, %(made)s, least(%(brand_owner)s::uuid, %(influencer)s::uuid),
            greatest(%(brand_owner)s::uuid, %(influencer)s::uuid), %(brand_owner)s,
            %(influencer)s,
            (
              select f.id from private.flow_definitions as f
              where f.kind = %(kind)s and f.status = 'published'
            ),
            %(flow_state)s, %(awaiting_role)s, 0, 0, 0, 0, 0, 0
          )
          returning id
        ),
        joined as (
          insert into private.participants (conversation_id, user_id, role)
          select made.id, %(brand_owner)s::uuid, 'brand_owner' from made
          union all
          select made.id, %(influencer)s::uuid, 'influencer' from made
        )
        select id from made
        """
    ).format(subject=sql.Identifier(f"{ware.kind}_id"))
    deal = db.value(
        insert.as_string(),
        {
            "kind": ware.kind,
            "made": made["id"],
            "brand_owner": brand_owner,
            "influencer": influencer,
            "flow_state": flow_state,
            "awaiting_role": awaiting_role,
        },
    )
    return str(deal)


def apply(db: Database, campaign: Any, influencer: uuid.UUID, status: str = "pending") -> str:
    """The id of an influencer's application, arranged behind the flow's back."""
    request = db.value(
        "insert into public.requests (campaign_id, influencer_id, status) "
        "values (%s, %s, %s) returning id",
        *(campaign["id"], influencer, status),
    )
    return str(request)


def add_offer(db: Database, deal: str, amount_minor: int = 500_000) -> None:
    """A price that was named in the deal."""
    db.query(
        "insert into public.offers "
        "(conversation_id, version, round, made_by, amount_minor, created_at) "
        "values (%s, 1, 1, 'brand_owner', %s, now())",
        *(deal, amount_minor),
    )


def add_submission(db: Database, deal: str) -> None:
    """Work that was submitted in the deal."""
    db.query(
        "insert into public.work_submissions (conversation_id, number, deliverables, submitted_at) "
        "values (%s, 1, 'https://example.com/reel', now())",
        deal,
    )


def rows_of(db: Database, table: str) -> dict[str, Any]:
    """Every row of a table by id, as JSON."""
    query = sql.SQL("select id, to_jsonb(t) as row from {} as t").format(
        sql.Identifier(*table.split("."))
    )
    return {str(row["id"]): row["row"] for row in db.query(query.as_string())}
