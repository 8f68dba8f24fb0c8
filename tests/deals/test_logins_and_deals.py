"""What becomes of deals when a login is deleted: money keeps it, everything else ends well."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from scripts.dev.local_supabase import postgres
from tests.chat.scenes import everything
from tests.flow.deals import SCENES, Cast, Play, imagine, move_back, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER, PARTIES
from tests.support.databases import PATIENCE, Database, read_refusal

# Of every state that holds money one scene, in turn of either kind.
HOLDING = [
    ("bid", "payment_completed"),
    ("campaign", "work_in_progress"),
    ("bid", "work_submitted"),
    ("campaign", "cancellation_requested by I during work"),
    ("bid", "disputed by I during work"),
    ("campaign", "refund_pending"),
]
ENDING = [
    ("bid", "influencer_responding"),
    ("bid", "influencer_reviewing"),
    ("bid", "payment_pending with an order"),
    ("campaign", "brand_owner_reviewing"),
    ("campaign", "influencer_responding"),
    ("campaign", "negotiation_input of the brand owner"),
]
STATES_WITH_MONEY = {
    deal.state
    for kind in SCENES
    for scene in SCENES[kind]
    if (deal := imagine(kind, scene)).held and deal.is_open
}


def other(role: str) -> str:
    return BRAND_OWNER if role == INFLUENCER else INFLUENCER


def delete_login(db: Database, user: uuid.UUID) -> None:
    """Delete it as Auth does, in a session of Auth's own role."""
    with psycopg.connect(db.dsn("supabase_auth_admin"), autocommit=True) as auth:
        deleted = auth.execute("delete from auth.users where id = %s returning id", (user,))
        assert deleted.fetchone() == (user,)


def wait_until_blocked(db: Database, pid: int, going: Future[Any]) -> None:
    """Return when this process of the server waits for a lock, or has not needed to."""

    def is_blocked() -> bool:
        return going.done() or bool(db.value("select cardinality(pg_blocking_pids(%s)) > 0", pid))

    postgres.wait_until(is_blocked, PATIENCE, f"session {pid} waits for nobody")


def has_login(db: Database, user: uuid.UUID) -> bool:
    found: bool = db.query_as_superuser(
        "select exists (select from auth.users where id = %s) as found", user
    )[0]["found"]
    return found


def texts(play: Play, role: str) -> list[str]:
    """What this party was told, the newest last."""
    with play.db.signed_in_as(play.user(role)):
        page = play.db.call("get_messages", conversation_id=play.id, page_size=100)
    return [message["message"] for message in reversed(page)]


def test_these_are_all_states_that_hold_money() -> None:
    assert {imagine(*scene).state for scene in HOLDING} == STATES_WITH_MONEY


@pytest.mark.parametrize(("kind", "scene"), HOLDING)
def test_while_a_deal_holds_money_neither_login_goes(
    db: Database, people: Cast, kind: str, scene: str
) -> None:
    play = open_play(db, people, kind, scene)
    before = everything(db)
    for role in PARTIES:
        with db.refused("FUNDS_HELD", 409):
            delete_login(db, play.user(role))
        assert has_login(db, play.user(role))
    assert everything(db) == before
    # Whoever has no part in it may go.
    delete_login(db, people.chitra)
    assert not has_login(db, people.chitra)


def test_of_several_deals_one_with_money_is_enough_and_the_others_stay_open(
    db: Database, people: Cast
) -> None:
    talking = open_play(db, people, "bid", "brand_owner_pricing")
    open_play(db, people, "campaign", "payment_completed")
    with db.refused("FUNDS_HELD", 409):
        delete_login(db, people.asha)
    assert talking.stored()["flow_state"] == "brand_owner_pricing"


@pytest.mark.parametrize("role", PARTIES)
def test_when_the_review_is_over_the_money_holds_nobody_but_whom_it_is_owed(
    db: Database, people: Cast, role: str
) -> None:
    play = open_play(db, people, "bid", "work_submitted")
    left = play.stored()["deadline_at"] - play.now()
    move_back(db, play.id, left - timedelta(minutes=1))
    with db.refused("FUNDS_HELD", 409):
        delete_login(db, play.user(role))
    move_back(db, play.id, timedelta(minutes=1))
    assert play.stored()["held_minor"] > 0, "nobody has written yet that time is up"
    if role == INFLUENCER:
        with db.refused("FUNDS_HELD", 409):
            delete_login(db, people.asha)
        with db.as_service():
            db.call("sweep_due")
            (owed,) = db.call("list_payouts")
            db.call("mark_payout_paid", payout_id=owed["id"], reference="UTR 1")
    delete_login(db, play.user(role))
    row = play.stored()
    assert (row["flow_state"], row["held_minor"], row["released_minor"]) == (
        "chat_closed", 0, 500000,
    )  # fmt: skip
    assert row["close_reason"] == f"closed_by_{role}"
    (payout,) = db.query("select influencer_id, amount_minor, status from private.payouts")
    assert payout == {
        "influencer_id": people.asha, "amount_minor": 500000,
        "status": "paid" if role == INFLUENCER else "owed",
    }  # fmt: skip
    actions = [
        event["action"]
        for event in db.query(
            "select action from public.conversation_events where conversation_id = %s"
            " order by version desc limit 3",
            play.id,
        )
    ]
    assert actions == ["close_conversation", "enable_real_time", "timer_review_window"]


def test_when_a_start_window_is_over_the_money_is_on_its_way_and_still_held(
    db: Database, people: Cast
) -> None:
    play = open_play(db, people, "bid", "payment_completed")
    move_back(db, play.id, timedelta(days=8))
    assert play.context(BRAND_OWNER)["flow_state"] == "refund_pending"
    with db.refused("FUNDS_HELD", 409):
        delete_login(db, people.bharat)


@pytest.mark.parametrize("role", PARTIES)
@pytest.mark.parametrize(("kind", "scene"), ENDING)
def test_what_is_not_paid_ends_and_the_other_side_reads_who_went(
    db: Database, people: Cast, kind: str, scene: str, role: str
) -> None:
    play = open_play(db, people, kind, scene)
    with db.signed_in_as(play.user(role)):
        db.call("complete_profile", role=role, display_name="Whoever leaves")
    db.query("delete from realtime.messages")
    delete_login(db, play.user(role))
    row = play.stored()
    assert (row["flow_state"], row["close_reason"], row["closed_by"]) == (
        "chat_closed", f"ended_by_{role}", play.user(role),
    )  # fmt: skip
    assert (row["awaiting_role"], row["deadline_at"]) == (None, None)
    assert texts(play, other(role))[-1] == "Whoever leaves ended the conversation."
    context = play.context(other(role))
    assert context["other_party"]["display_name"] is None
    assert play.available(other(role)) == []
    told = {
        (event["event"], event["type"])
        for event in db.query(
            "select event, payload #>> '{notification,type}' as type from realtime.messages"
            " where topic = %s",
            f"user:{play.user(other(role))}",
        )
    }
    assert {("new_message", "deal_closed"), ("conversation_state_changed", None)} <= told
    assert db.value("select count(*) from private.payment_orders where status = 'open'") == 0
    alive = "select count(*) from public.requests where status in ('pending', 'accepted')"
    assert db.value(alive) == 0


def test_a_payment_that_comes_after_the_login_is_gone_goes_back(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "payment_pending with an order")
    given = play.usual("payment_captured")
    delete_login(db, people.asha)
    play.call("system", "payment_captured", given)
    (refund,) = db.query("select kind, amount_minor from private.refunds")
    assert refund == {"kind": "bounce", "amount_minor": given["amount_minor"]}


@pytest.mark.parametrize("role", PARTIES)
@pytest.mark.parametrize("kind", ["bid", "campaign"])
def test_a_deal_that_is_done_closes_and_its_books_stay(
    db: Database, people: Cast, kind: str, role: str
) -> None:
    play = open_play(db, people, kind, "real_time")
    play.walk("I:rate_collaboration B:rate_collaboration")
    books = db.query("select * from private.escrow_ledger order by id")
    with db.as_service():
        for payout in db.call("list_payouts"):
            db.call("mark_payout_paid", payout_id=payout["id"], reference="UTR 1")
    payouts = db.query("select * from private.payouts")
    delete_login(db, play.user(role))
    row = play.stored()
    assert (row["flow_state"], row["close_reason"]) == ("chat_closed", f"closed_by_{role}")
    assert row["released_minor"] == play.model.agreed
    assert texts(play, other(role))[-1] == f"{role} closed the conversation."
    assert db.query("select * from private.escrow_ledger order by id") == books
    assert db.query("select * from private.payouts") == payouts
    with db.signed_in_as(play.user(other(role))):
        assert db.call("verify_conversation", conversation_id=play.id)["valid"] is True
        assert db.call("get_ratings", conversation_id=play.id)["theirs"]["rating"] == 5


def test_whoever_is_owed_a_payout_is_paid_first(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "real_time")
    with pytest.raises(psycopg.Error) as error:
        delete_login(db, play.user(INFLUENCER))
    refusal = read_refusal(error.value)
    assert (refusal.code, refusal.status) == ("FUNDS_HELD", 409)
    assert refusal.message == "This user is owed a payout."
    with db.signed_in_as(play.user(INFLUENCER)), db.refused("FUNDS_HELD", 409):
        db.call("delete_my_account")
    with db.as_service():
        (payout,) = db.call("list_payouts")
        assert payout["display_name"] is not None
        db.call("mark_payout_paid", payout_id=payout["id"], reference="UTR 1")
    delete_login(db, play.user(INFLUENCER))


@pytest.mark.parametrize("scene", ["chat_closed", "chat_closed after success"])
def test_what_has_ended_is_left_as_it_is(db: Database, people: Cast, scene: str) -> None:
    play = open_play(db, people, "bid", scene)
    version = play.stored()["version"]
    delete_login(db, people.bharat)
    assert play.stored()["version"] == version


def test_a_direct_chat_stays_open_for_the_other_side(db: Database, people: Cast) -> None:
    with db.signed_in_as(people.asha):
        talk = db.call("direct_connect", target_user_id=people.bharat, initial_message="hi")
    direct = talk["conversation"]["conversation_id"]
    delete_login(db, people.asha)
    with db.signed_in_as(people.bharat):
        context = db.call("get_conversation_context", conversation_id=direct)
    assert context["flow_state"] == "real_time"


def test_deals_of_others_go_on(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "work_in_progress")
    with db.signed_in_as(people.bharat):
        campaign = db.call("create_campaign", title="Winter", brief="Two posts")["id"]
    with db.signed_in_as(people.chitra):
        db.call("apply_to_campaign", campaign_id=campaign)
    version = play.stored()["version"]
    delete_login(db, people.chitra)
    assert (play.stored()["flow_state"], play.stored()["version"]) == ("work_in_progress", version)


def wares(db: Database) -> dict[str, dict[Any, str]]:
    """The status of every bid and campaign, by owner."""
    return {
        "bids": {
            row["influencer_id"]: row["status"]
            for row in db.query("select influencer_id, status from public.bids")
        },
        "campaigns": {
            row["brand_owner_id"]: row["status"]
            for row in db.query("select brand_owner_id, status from public.campaigns")
        },
    }


def test_bids_and_campaigns_of_the_deleted_close_and_no_others(db: Database, people: Cast) -> None:
    for user in (people.asha, people.chitra):
        with db.signed_in_as(user):
            bid = db.call("create_bid", title="Three posts", description="On two feeds")["id"]
    with db.signed_in_as(people.asha):
        hers = db.call("create_bid", title="A reel", description="On one feed")["id"]
    with db.signed_in_as(people.bharat):
        campaign = db.call("create_campaign", title="Autumn", brief="Three posts")["id"]
    delete_login(db, people.asha)
    assert wares(db) == {
        "bids": {people.asha: "closed", people.chitra: "open"},
        "campaigns": {people.bharat: "open"},
    }
    with db.signed_in_as(people.bharat):
        with db.refused("BID_CLOSED", 409):
            db.call("connect_bid", bid_id=hers)
        with db.refused("USER_NOT_FOUND", 404):
            db.call("invite_to_campaign", campaign_id=campaign, influencer_id=people.asha)
        assert db.call("connect_bid", bid_id=bid)["created"] is True
    delete_login(db, people.bharat)
    assert wares(db)["campaigns"] == {people.bharat: "closed"}
    with db.signed_in_as(people.chitra), db.refused("CAMPAIGN_CLOSED", 409):
        db.call("apply_to_campaign", campaign_id=campaign)


def test_the_deleted_can_open_and_move_no_deal(db: Database, people: Cast) -> None:
    play = open_play(db, people, "bid", "brand_owner_pricing")
    with db.signed_in_as(people.chitra):
        bid = db.call("create_bid", title="Three posts", description="On two feeds")["id"]
    delete_login(db, people.bharat)
    before = everything(db)
    with db.signed_in_as(people.bharat):
        for function, arguments in (
            ("connect_bid", {"bid_id": bid}),
            ("take_action", {"conversation_id": play.id, "action": "end_conversation"}),
            ("get_ratings", {"conversation_id": play.id}),
        ):
            with db.refused("AUTH_REQUIRED", 401):
                db.call(function, **arguments)
    assert everything(db) == before


# Two at once


def meet(db: Database, user: uuid.UUID, act: Callable[[], Any]) -> None:
    """Let the login be deleted while somebody acts; raises what the deletion gets."""
    with (
        ThreadPoolExecutor(1) as worker,
        psycopg.connect(db.dsn("supabase_auth_admin"), autocommit=True) as auth,
    ):
        with db.transaction():
            act()
            going = worker.submit(auth.execute, "delete from auth.users where id = %s", (user,))
            wait_until_blocked(db, auth.info.backend_pid, going)
        going.result(PATIENCE)


@pytest.mark.parametrize("role", PARTIES)
def test_a_login_that_goes_while_the_payment_comes_in_stays(
    db: Database, people: Cast, role: str
) -> None:
    play = open_play(db, people, "bid", "payment_pending with an order")
    given = play.usual("payment_captured")
    with db.refused("FUNDS_HELD", 409):
        meet(db, play.user(role), lambda: play.call("system", "payment_captured", given))
    assert has_login(db, play.user(role))
    assert play.stored()["held_minor"] == 500000


@pytest.mark.parametrize("role", PARTIES)
@pytest.mark.parametrize("function", ["connect_bid", "apply_to_campaign", "invite_to_campaign"])
def test_a_deal_that_meets_the_end_of_a_login_does_not_stay_open(
    db: Database, people: Cast, function: str, role: str
) -> None:
    with db.signed_in_as(people.asha):
        bid = db.call("create_bid", title="Three posts", description="On two feeds")["id"]
    with db.signed_in_as(people.bharat):
        campaign = db.call("create_campaign", title="Autumn", brief="Three posts")["id"]
    opener, arguments = {
        "connect_bid": (people.bharat, {"bid_id": bid}),
        "apply_to_campaign": (people.asha, {"campaign_id": campaign}),
        "invite_to_campaign": (
            people.bharat,
            {"campaign_id": campaign, "influencer_id": people.asha},
        ),
    }[function]

    def open_deal() -> None:
        with db.signed_in_as(opener):
            db.call(function, **arguments)

    meet(db, people.asha if role == INFLUENCER else people.bharat, open_deal)
    (row,) = db.query("select flow_state, close_reason from private.conversations")
    assert row == {"flow_state": "chat_closed", "close_reason": f"ended_by_{role}"}
