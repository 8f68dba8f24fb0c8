"""The ledger: append-only, and its sum is the balance, whatever happens."""

from __future__ import annotations

import uuid
from typing import Any

from tests.chat.scenes import Talk, block, dice, open_talk, send
from tests.points.purse import balance_and_sum, give_points, quota_of, set_quota
from tests.support.crowds import OK, outcome
from tests.support.databases import Database
from tests.support.operators import set_setting


def test_not_even_the_owner_of_the_ledger_changes_what_stands_there(
    db: Database, talk: Talk
) -> None:
    give_points(db, talk.asha, 50)
    for change in (
        "update private.points_ledger set delta = 1000",
        "delete from private.points_ledger",
        "truncate private.points_ledger",
    ):
        with db.refused("23001"):
            db.query(change)
    assert balance_and_sum(db, talk.asha) == (50, 50)


class Bookkeeper:
    """Acts as Asha and knows without looking what it must have cost her."""

    def __init__(self, db: Database, talk: Talk, *, free: int, price: int) -> None:
        self.db, self.talk, self.free, self.price = db, talk, free, price
        self.chance = dice(41)
        self.grants: list[tuple[uuid.UUID, int]] = []
        self.sent: list[uuid.UUID] = []
        self.used, self.balance, self.is_blocked = 0, 0, False
        set_quota(db, talk.asha, free=free, price=price)
        self.grant()
        self.send()

    @property
    def cost(self) -> int:
        """What the next message costs."""
        return 0 if self.used < self.free else self.price

    def try_send(self, own_id: uuid.UUID, text: str, **more: Any) -> str:
        """How a send ends."""
        return outcome(
            lambda: send(
                self.db, self.talk.asha, self.talk.id, text, client_message_id=own_id, **more
            )
        )

    def send(self) -> None:
        """Send something new, if it can be paid."""
        refusal = OK if self.cost <= self.balance else "INSUFFICIENT_POINTS"
        expected = "BLOCKED" if self.is_blocked else refusal
        own_id, cost = uuid.uuid4(), self.cost
        assert self.try_send(own_id, str(own_id)) == expected
        if expected == OK:
            self.sent.append(own_id)
            self.used, self.balance = self.used + 1, self.balance - cost

    def send_unwillingly(self) -> None:
        """Send something new, if it is free."""
        expected = "BLOCKED" if self.is_blocked else "POINTS_LIMIT" if self.cost else OK
        own_id = uuid.uuid4()
        assert self.try_send(own_id, str(own_id), max_points=self.price - 1) == expected
        if expected == OK:
            self.sent.append(own_id)
            self.used += 1

    def send_nothing(self) -> None:
        """Be refused, for nothing."""
        expected = "BLOCKED" if self.is_blocked else "MESSAGE_EMPTY"
        assert self.try_send(uuid.uuid4(), " ") == expected

    def repeat_send(self) -> None:
        """Say the same again, for nothing."""
        own_id = self.chance.choice(self.sent)
        assert self.try_send(own_id, str(own_id)) == OK

    def misuse_send(self) -> None:
        """Say something else under an old id, for nothing."""
        assert self.try_send(self.chance.choice(self.sent), "else") == "IDEMPOTENCY_MISMATCH"

    def grant(self) -> None:
        """Get points."""
        self.grants.append((uuid.uuid4(), self.chance.randint(1, 9)))
        self.balance += self.grants[-1][1]
        self.repeat_grant(self.grants[-1])

    def repeat_grant(self, earlier: tuple[uuid.UUID, int] | None = None) -> None:
        """Get points that were given already."""
        grant, points = earlier or self.chance.choice(self.grants)
        give_points(self.db, self.talk.asha, points, grant_id=grant)

    def toggle_block(self) -> None:
        """Let Bharat block Asha, or take it back."""
        self.is_blocked = not self.is_blocked
        if self.is_blocked:
            block(self.db, self.talk.bharat, self.talk.asha)
        else:
            self.db.query("delete from public.blocks")

    def act(self) -> None:
        """Do anything of the above."""
        steps = [self.send_unwillingly, self.send_nothing, self.repeat_send, self.misuse_send]
        steps += [self.grant, self.repeat_grant, self.toggle_block, self.send, self.send, self.send]
        self.chance.choice(steps)()


def test_the_balance_is_the_sum_of_the_ledger_after_whatever_happens(
    db: Database, talk: Talk
) -> None:
    books = Bookkeeper(db, talk, free=3, price=4)
    for _ in range(150):
        books.act()
        assert balance_and_sum(db, talk.asha) == (books.balance, books.balance)
        assert quota_of(db, talk.asha)["used_today"] == books.used
    entries = db.query("select delta, balance_after from private.points_ledger order by id")
    total = 0
    for entry in entries:
        total += entry["delta"]
        assert entry["balance_after"] == total
    spent = db.value("select count(*) from private.points_ledger where delta < 0")
    assert spent == books.used - books.free > 5


def test_every_payment_names_the_message_it_paid(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=1, price=2)
    give_points(db, talk.asha, 4)
    send(db, talk.asha, talk.id, "free")
    paid = [send(db, talk.asha, talk.id, text)["id"] for text in ("one", "two")]
    entries = db.query("select * from private.points_ledger where delta < 0 order by id")
    assert [str(entry["message_id"]) for entry in entries] == paid
    assert {entry["reason"] for entry in entries} == {"message"}


def test_everybody_who_signs_up_has_an_empty_purse(limited_db: Database) -> None:
    asha = limited_db.create_user("Asha", points_balance=1000, daily_free_limit=1000)
    assert balance_and_sum(limited_db, asha) == (0, 0)
    quota = quota_of(limited_db, asha)
    assert (quota["daily_free_limit"], quota["points_per_message"]) == (20, 10)
    assert quota["points_balance"] == 0


def test_settings_give_new_accounts_their_limit_and_price(db: Database) -> None:
    old = db.create_user("Asha")
    limit = quota_of(db, old)["daily_free_limit"]
    set_setting(db, "daily_free_limit", 5)
    set_setting(db, "points_per_message", 2)
    new = quota_of(db, db.create_user("Bharat"))
    assert (new["daily_free_limit"], new["points_per_message"]) == (5, 2)
    assert quota_of(db, old)["daily_free_limit"] == limit


def test_nobody_owes_points_and_nobody_counts_back(db: Database, talk: Talk) -> None:
    for column in ("points_balance", "messages_sent_today", "daily_free_limit"):
        with db.refused("23514"):
            db.query(f"update private.accounts set {column} = -1")  # noqa: S608
    with db.refused("23514"):
        db.query(
            """
            insert into private.points_ledger (user_id, delta, reason, balance_after)
            values (%s, 5, 'gift', 5)
            """,
            talk.asha,
        )


def test_opening_a_chat_costs_what_the_setting_says_once_a_chat(db: Database, talk: Talk) -> None:
    set_setting(db, "chat_open_points", 30)
    dev = db.create_user("Dev")
    with db.signed_in_as(talk.asha):
        for expected in (0, 29, 31):
            with db.refused("POINTS_COST_MISMATCH", 409, details={"points_cost": 30}):
                db.call("direct_connect", target_user_id=dev, points_cost=expected)
        with db.refused("INSUFFICIENT_POINTS", 402, details={"needed": 30, "balance": 0}):
            db.call("direct_connect", target_user_id=dev, points_cost=30)
    assert db.value("select count(*) from private.conversations") == 1
    give_points(db, talk.asha, 45)
    with db.signed_in_as(talk.asha):
        assert db.call("direct_connect", target_user_id=dev, points_cost=30)["created"]
        assert not db.call("direct_connect", target_user_id=dev)["created"]
        # The chat with Bharat was there before there was a price.
        assert not db.call("direct_connect", target_user_id=talk.bharat)["created"]
    with db.signed_in_as(dev):
        assert not db.call("direct_connect", target_user_id=talk.asha)["created"]
    assert balance_and_sum(db, talk.asha) == (15, 15)
    assert balance_and_sum(db, dev) == (0, 0)
    (entry,) = db.query("select * from private.points_ledger where delta < 0")
    assert (entry["delta"], entry["reason"], entry["message_id"]) == (-30, "chat_open", None)


def test_a_chat_that_cannot_be_paid_is_not_opened_nor_is_one_whose_message_is_refused(
    db: Database, talk: Talk
) -> None:
    set_setting(db, "chat_open_points", 30)
    give_points(db, talk.asha, 30)
    set_quota(db, talk.asha, free=0, price=10)
    for code, status, text in (("INSUFFICIENT_POINTS", 402, "hi"), ("MESSAGE_EMPTY", 422, " ")):
        with db.signed_in_as(talk.asha), db.refused(code, status):
            db.call("direct_connect", target_user_id=talk.chitra, initial_message=text)
    assert db.value("select count(*) from private.conversations") == 1
    assert balance_and_sum(db, talk.asha) == (30, 30)
    assert open_talk(db, talk.asha, talk.chitra)
    assert balance_and_sum(db, talk.asha) == (0, 0)
