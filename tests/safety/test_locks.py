"""Locks have one order, also those of triggers; and nobody waits for a stranger."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from scripts.dev.local_supabase import postgres
from tests.chat.scenes import Talk, context_of, dice, open_talk, send
from tests.flow.deals import Cast, open_play
from tests.support.crowds import OK, play_at_once
from tests.support.databases import PATIENCE, Database, read_refusal
from tests.support.payments import (
    Order,
    attach_order,
    event_body,
    order_entity,
    payment_entity,
    take_event,
)

# What may become of a call of the crowd: no deadlock (40P01), no broken key (23...), no timeout.
EXPECTED = {
    OK,
    "AUTH_REQUIRED",  # the caller was deleted
    "BID_CLOSED",
    "BID_NOT_FOUND",
    "BLOCKED",
    "CAMPAIGN_CLOSED",
    "CHAT_CLOSED",
    "CONVERSATION_NOT_FOUND",
    "FLOW_STATE_INVALID",
    "FUNDS_HELD",  # a deal that was paid keeps its people
    "FORBIDDEN",  # the other side of a campaign has no role any more
    "INSUFFICIENT_POINTS",
    "NOT_YOUR_TURN",
    "PAYMENT_ALREADY_DONE",
    "PAYMENT_NOT_READY",
    "PROFILE_INCOMPLETE",
    "ACTION_UNKNOWN",
    "RATE_LIMITED",
    "USER_NOT_FOUND",
    "INFLUENCER_REQUIRED",
}


def join(db: Database, name: str, role: str) -> uuid.UUID:
    user = db.create_user(name)
    with db.signed_in_as(user):
        db.call("complete_profile", role=role, display_name=name)
    return user


class Crowd:
    """Influencers with bids and brand owners with campaigns, who are deleted one by one."""

    def __init__(self, db: Database) -> None:
        self.influencers = [join(db, f"I{n}", "influencer") for n in range(8)]
        self.brands = [join(db, f"B{n}", "brand_owner") for n in range(8)]
        self.bids: list[Any] = []
        self.campaigns: list[Any] = []
        for user in self.influencers:
            with db.signed_in_as(user):
                self.bids += [db.call("create_bid", title="a", description="b")["id"] for _ in "12"]
        for user in self.brands:
            with db.signed_in_as(user):
                self.campaigns += [db.call("create_campaign", title="a", brief="b")["id"]]
        # Deals that wait for their payments: of everybody one.
        nobody = uuid.uuid4()
        self.orders: list[Order] = []
        for influencer, brand in zip(self.influencers, self.brands, strict=True):
            people = Cast(influencer, brand, nobody, nobody)
            play = open_play(db, people, "bid", "payment_pending with an order")
            self.orders.append(attach_order(db, play.id))

    def play(self, db: Database, number: int) -> None:
        """One thing that one of them does or Razorpay says, or the deletion of one."""
        chance = dice(number)
        if number % 5 == 3:
            self.tell(db, chance)
            return
        if number % 25 == 24:
            with psycopg.connect(db.dsn("supabase_auth_admin"), autocommit=True) as auth:
                user = chance.choice([*self.influencers[2:], *self.brands[2:]])
                auth.execute("delete from auth.users where id = %s", (user,))
            return
        user = chance.choice([*self.influencers, *self.brands])
        function, arguments = self.choose(db, chance, user)
        with db.signed_in_as(user):
            db.call(function, **arguments)

    def tell(self, db: Database, chance: random.Random) -> None:
        """An event about a payment: of few payments many events, some of them at once."""
        order = chance.choice(self.orders)
        payment_id = f"pay_{chance.choice('12')}{order.razorpay_order_id[-13:]}"
        status = chance.choice(["authorized", "failed", "captured", "captured", "paid"])
        if status == "paid":
            paid = order_entity(order, status="paid", amount_paid=order.amount_minor, amount_due=0)
            body = event_body("order.paid", payment=payment_entity(order, payment_id), order=paid)
        else:
            payment = payment_entity(
                order, payment_id, status=status, captured=status == "captured"
            )
            body = event_body(f"payment.{status}", payment=payment)
        take_event(db, body)

    def choose(
        self, db: Database, chance: random.Random, user: uuid.UUID
    ) -> tuple[str, dict[str, Any]]:
        """Name and arguments of something that the user may do."""
        others = self.brands if user in self.influencers else self.influencers
        talks = db.query(
            "select id from private.conversations where %s in (user_a, user_b)", user
        ) or [{"id": uuid.uuid4()}]
        talk = {"conversation_id": chance.choice(talks)["id"]}
        common: list[tuple[str, dict[str, Any]]] = [
            ("direct_connect", {"target_user_id": chance.choice(others), "initial_message": "hi"}),
            ("send_message", {**talk, "message": "hi"}),
            ("send_message", {**talk, "message": "hi", "expiration_hours": 1}),
            ("block_user", {"user_id": chance.choice(others)}),
            ("unblock_user", {"user_id": chance.choice(others)}),
            ("set_privacy", {"last_seen": chance.choice([True, False])}),
            ("mark_read", talk),
            ("login_cleanup", {}),
            ("take_action", {**talk, "action": "close_conversation"}),
            ("take_action", {**talk, "action": "end_conversation"}),
            ("begin_payment", talk),
        ]
        if user in self.influencers:
            own = [
                ("apply_to_campaign", {"campaign_id": chance.choice(self.campaigns), "quote": 50}),
                ("apply_to_campaign", {"campaign_id": chance.choice(self.campaigns), "quote": 50}),
                ("take_action", {**talk, "action": "accept_connection"}),
                ("take_action", {**talk, "action": "start_work"}),
                ("close_bid", {"bid_id": chance.choice(self.bids)}),
            ]
        else:
            invited = {"influencer_id": chance.choice(self.influencers)}
            own = [
                ("connect_bid", {"bid_id": chance.choice(self.bids)}),
                ("connect_bid", {"bid_id": chance.choice(self.bids)}),
                ("invite_to_campaign", {"campaign_id": chance.choice(self.campaigns), **invited}),
                ("take_action", {**talk, "action": "accept_application"}),
                ("take_action", {**talk, "action": "cancel_before_start"}),
            ]
        return chance.choice([*common, *own, *own])


def test_deletions_deals_sends_blocks_cleanups_and_webhooks_never_deadlock(db: Database) -> None:
    # A webhook gives up on a lock after 200 ms, which would end a cycle before anybody sees it.
    for function in ("apply_event(private.payment_events, text)", "process_payment_event"):
        db.query(f"alter function private.{function} set lock_timeout = '60s'")
    crowd = Crowd(db)
    seen = play_at_once(db, threads=8, times=500, play=crowd.play)
    assert set(seen) <= EXPECTED | {"CAMPAIGN_NOT_FOUND"}, seen
    assert seen[OK] > 150, seen
    # A webhook swallows what goes wrong: it counts it. None was lost, and some paid a deal.
    events = db.query("select outcome, attempts, error, lock_timeouts from private.payment_events")
    assert len(events) == 100
    assert {event["error"] for event in events} == {None}
    assert max(event["attempts"] for event in events) == 1
    # With so much patience only a deadlock is counted here.
    assert {event["lock_timeouts"] for event in events} == {0}
    outcomes = {event["outcome"] for event in events}
    assert outcomes <= {"applied", "noop", "double_payment", "captured_after_closed"}
    assert "applied" in outcomes
    # Whoever was deleted has no deal that is open, and takes no message.
    assert (
        db.query(
            """
            select c.id, c.kind, c.chat_status, c.is_barred from private.conversations as c
            where (c.kind <> 'direct' and c.chat_status <> 'closed' or not c.is_barred)
              and exists (
                select from unnest(array[c.user_a, c.user_b]) as u (id)
                where u.id not in (select a.user_id from private.accounts as a)
              )
            """
        )
        == []
    )


def test_a_deletion_locks_in_the_order_of_a_connection(db: Database) -> None:
    """Both want the bid and the deal on it: one waits for the other, and never each for each."""
    asha, bharat = join(db, "Asha", "influencer"), join(db, "Bharat", "brand_owner")
    with db.signed_in_as(asha):
        bid = db.call("create_bid", title="a", description="b")["id"]
    connecting, deleting = db.session(), db.session()
    with (
        connecting.signed_in_as(bharat),
        psycopg.connect(db.dsn()) as holder,
        ThreadPoolExecutor(1) as pool,
    ):
        connecting.call("connect_bid", bid_id=bid)
        holder.execute("select 1 from public.bids where id = %s for no key update", (bid,))
        again = connecting.start("connect_bid", bid_id=bid)
        db.wait_until_blocked(connecting)
        gone = pool.submit(
            deleting.query_as_superuser, "delete from auth.users where id = %s returning id", asha
        )
        postgres.wait_until(lambda: waiting(db) == 2, PATIENCE, "the deletion waits for nothing")
        holder.commit()
        assert again.result(PATIENCE)["created"] is False
        assert gone.result(PATIENCE)


def test_a_deletion_locks_in_the_order_of_an_action(db: Database) -> None:
    """An action charges its limit, then wants the deal; so does the deletion."""
    asha, bharat = join(db, "Asha", "influencer"), join(db, "Bharat", "brand_owner")
    nobody = uuid.uuid4()
    play = open_play(db, Cast(asha, bharat, nobody, nobody), "bid", "brand_owner_details")
    acting, deleting = db.session(), db.session()
    with psycopg.connect(db.dsn()) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("select 1 from private.conversations where id = %s for update", (play.id,))
        gone = pool.submit(
            deleting.query_as_superuser,
            "delete from auth.users where id = %s returning id",
            bharat,
        )
        postgres.wait_until(lambda: waiting(db) == 1, PATIENCE, "the deletion waits for nothing")
        with acting.signed_in_as(bharat):
            action = acting.start("take_action", conversation_id=play.id, action="end_conversation")
            postgres.wait_until(lambda: waiting(db) == 2, PATIENCE, "the action waits for nothing")
            holder.commit()
            assert gone.result(PATIENCE)
            with pytest.raises(psycopg.Error) as refused:
                action.result(PATIENCE)
    assert read_refusal(refused.value).code == "CHAT_CLOSED"
    assert play.stored()["chat_status"] == "closed"


def waiting(db: Database) -> int:
    """How many sessions of this database wait for a lock."""
    return int(
        db.value(
            "select count(*) from pg_catalog.pg_stat_activity "
            "where datname = current_database() and wait_event_type = 'Lock'"
        )
    )


def test_a_block_waits_for_nothing_that_a_stranger_does_elsewhere(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "hi")
    elsewhere = open_talk(db, talk.bharat, talk.chitra)
    stranger = db.session()
    with stranger.transaction():
        # Holds its account and another conversation, for as long as it likes.
        send(stranger, talk.bharat, elsewhere, "a long transaction")
        with db.signed_in_as(talk.asha):
            for function in ("block_user", "unblock_user", "block_user"):
                assert db.start(function, user_id=talk.bharat).result(PATIENCE)
    with db.refused("BLOCKED", 403):
        send(db, talk.bharat, talk.id, "hi")


def test_whoever_is_blocked_while_founding_a_chat_founds_a_barred_one_or_none(
    db: Database, talk: Talk
) -> None:
    other = db.session()
    with db.transaction(), db.signed_in_as(talk.chitra):
        opened = db.call("direct_connect", target_user_id=talk.asha)["conversation"]
        with other.signed_in_as(talk.asha):
            waiting = other.start("block_user", user_id=talk.chitra)
            db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["blocked"] is True
    with db.refused("BLOCKED", 403):
        send(db, talk.chitra, opened["conversation_id"], "hi")


def test_whoever_hides_read_marks_while_a_chat_is_founded_hides_them_in_it(
    db: Database, talk: Talk
) -> None:
    other = db.session()
    with db.transaction(), db.signed_in_as(talk.chitra):
        opened = db.call("direct_connect", target_user_id=talk.asha)["conversation"]
        with other.signed_in_as(talk.asha):
            waiting = other.start("set_privacy", read_receipts=False)
            db.wait_until_blocked(other)
    assert waiting.result(PATIENCE)["read_receipts"] is False
    chat = opened["conversation_id"]
    sent = send(db, talk.chitra, chat, "hi")
    with db.signed_in_as(talk.asha):
        db.call("mark_read", conversation_id=chat)
    assert context_of(db, talk.asha, chat)["read_seq"] == sent["seq"]
    assert context_of(db, talk.chitra, chat)["other_read_seq"] == 0
