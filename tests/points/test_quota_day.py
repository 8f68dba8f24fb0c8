"""Free messages come back with the date of one zone, and a day is never given twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.chat.scenes import Talk, send
from tests.points.purse import give_points, quota_of, set_quota
from tests.support.databases import Database
from tests.support.operators import account_of, set_account, set_setting

# Between them 26 hours apart, so one of the two is always on another date than UTC.
FAR_EAST, FAR_WEST = "Pacific/Kiritimati", "Etc/GMT+12"


def next_midnight(zone: str) -> datetime:
    today = datetime.now(ZoneInfo(zone)).date()
    return datetime.combine(today + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))


def test_the_next_date_brings_the_free_messages_back(db: Database, talk: Talk) -> None:
    set_quota(db, talk.asha, free=2, price=10)
    for text in ("one", "two"):
        send(db, talk.asha, talk.id, text)
    with db.refused("INSUFFICIENT_POINTS", 402):
        send(db, talk.asha, talk.id, "three")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    set_account(db, talk.asha, quota_date=yesterday)
    quota = quota_of(db, talk.asha)
    assert (quota["used_today"], quota["free_left"]) == (0, 2)
    send(db, talk.asha, talk.id, "three")
    quota = quota_of(db, talk.asha)
    assert (quota["used_today"], quota["free_left"]) == (1, 1)
    send(db, talk.asha, talk.id, "four")
    with db.refused("INSUFFICIENT_POINTS", 402):
        send(db, talk.asha, talk.id, "five")


def test_looking_at_the_quota_changes_nothing(db: Database, talk: Talk) -> None:
    set_account(db, talk.asha, quota_date="2020-02-02", messages_sent_today=9)
    before = account_of(db, talk.asha)
    assert quota_of(db, talk.asha)["used_today"] == 0
    assert account_of(db, talk.asha) == before


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York", FAR_EAST, FAR_WEST])
def test_the_day_ends_at_midnight_of_the_configured_zone(
    db: Database, talk: Talk, zone: str
) -> None:
    set_setting(db, "quota_timezone", zone)
    set_quota(db, talk.asha, free=0, price=10)
    earliest = next_midnight(zone)
    quota = quota_of(db, talk.asha)
    assert quota["timezone"] == zone
    # Midnight may pass between the two clocks.
    assert datetime.fromisoformat(quota["resets_at"]) in (earliest, next_midnight(zone))
    with db.refused("INSUFFICIENT_POINTS", 402, details={"resets_at": quota["resets_at"]}):
        send(db, talk.asha, talk.id, "hi")


def test_another_zone_never_gives_a_day_twice(db: Database, talk: Talk) -> None:
    set_setting(db, "quota_timezone", FAR_EAST)
    set_quota(db, talk.asha, free=1, price=10)
    send(db, talk.asha, talk.id, "today, far in the east")
    counted = account_of(db, talk.asha)["quota_date"]
    for zone in (FAR_WEST, "UTC", "Asia/Kolkata", FAR_EAST, FAR_WEST):
        set_setting(db, "quota_timezone", zone)
        quota = quota_of(db, talk.asha)
        assert quota["used_today"] == 1
        resets_at = datetime.fromisoformat(quota["resets_at"])
        day_after = (datetime.fromisoformat(counted) + timedelta(days=1)).date()
        assert resets_at == datetime.combine(day_after, datetime.min.time(), ZoneInfo(zone))
        with db.refused("INSUFFICIENT_POINTS", 402, details={"resets_at": quota["resets_at"]}):
            send(db, talk.asha, talk.id, "again?")
    give_points(db, talk.asha, 10)
    send(db, talk.asha, talk.id, "paid")
    account = account_of(db, talk.asha)
    assert (account["quota_date"], account["messages_sent_today"]) == (counted, 2)
