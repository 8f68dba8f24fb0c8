"""A sign-up makes the user's card and account."""

from __future__ import annotations

import psycopg

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
