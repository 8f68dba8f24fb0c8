"""A sign-up makes the user's card and account."""

from __future__ import annotations

import psycopg

from scripts.build.build_migrations import SOURCES
from tests.chat.scenes import open_talk, send
from tests.points.purse import quota_of
from tests.support.databases import Database

INSERT_LOGIN = """
insert into auth.users (id, aud, role, email, raw_user_meta_data)
values (gen_random_uuid(), 'authenticated', 'authenticated', 'asha@example.com', '{}')
"""


def test_a_sign_up_makes_card_and_account_in_its_own_transaction(db: Database) -> None:
    with psycopg.connect(db.dsn("supabase_auth_admin")) as auth:
        auth.execute(INSERT_LOGIN)
        assert db.value("select count(*) from private.accounts") == 0
        auth.commit()
        made = """
            select count(*)
            from auth.users as login
            join public.users as card on card.id = login.id and card.xmin = login.xmin
            join private.accounts as account
              on account.user_id = login.id and account.xmin = login.xmin
        """
        assert db.value(made) == 1


def test_a_sign_up_that_fails_leaves_nothing(db: Database) -> None:
    with psycopg.connect(db.dsn("supabase_auth_admin")) as auth:
        auth.execute(INSERT_LOGIN)
        auth.rollback()
    assert db.value("select count(*) from private.accounts") == 0
    assert db.value("select count(*) from public.users where role is distinct from 'system'") == 0


def test_what_the_client_says_about_itself_at_sign_up_is_not_believed(db: Database) -> None:
    asha = db.create_user("Asha", role="system", display_name="Parley", phone="+919876543210")
    with db.signed_in_as(asha):
        (card,) = db.select("select role, display_name from public.users where id = %s", asha)
    assert card == {"role": None, "display_name": None}
    assert db.value("select phone from private.accounts where user_id = %s", asha) is None


def test_a_login_from_before_has_card_and_account_once_we_are_deployed(db: Database) -> None:
    asha, bharat = db.create_user("Asha"), db.create_user("Bharat")
    anonymous = db.query_as_superuser(
        "insert into auth.users (id, aud, role, is_anonymous) "
        "values (gen_random_uuid(), 'authenticated', 'authenticated', true) returning id"
    )[0]["id"]
    with db.signed_in_as(bharat):
        db.call("complete_profile", role="influencer", display_name="Bharat")
    db.query("delete from private.accounts where user_id = %s", asha)
    db.query("delete from public.users where id = %s", asha)
    for _ in "12":
        db.query((SOURCES / "60_triggers" / "create_account_at_sign_up.sql").read_text("utf-8"))
    with db.signed_in_as(asha):
        assert db.call("get_profile")["id"] == str(asha)
    assert quota_of(db, asha) == quota_of(db, bharat)
    # Others find her before she has done anything.
    talk = open_talk(db, bharat, asha)
    assert send(db, asha, talk, "hi")["sender_id"] == str(asha)
    with db.signed_in_as(bharat):
        assert db.call("get_profile")["display_name"] == "Bharat"
    with db.signed_in_as(anonymous), db.refused("FORBIDDEN", 403):
        db.call("get_quota")
