"""get_conversation_context: a conversation as one member sees it now."""

from __future__ import annotations

import uuid
from itertools import pairwise

from tests.chat.scenes import CONTEXT_KEYS, Talk, add_messages, context_of, open_deal, send
from tests.support.databases import Database


def test_a_context_has_all_its_keys_and_each_members_view(db: Database, talk: Talk) -> None:
    db.query(
        "update public.users set role = 'brand_owner', display_name = 'Bharat' where id = %s",
        talk.bharat,
    )
    sent = send(db, talk.asha, talk.id, "x" * 300)
    asha, bharat = (context_of(db, user, talk.id) for user in (talk.asha, talk.bharat))
    assert asha.keys() == bharat.keys() >= CONTEXT_KEYS
    assert (asha["kind"], asha["chat_status"], asha["flow_state"]) == (
        "direct",
        "real_time",
        "real_time",
    )
    assert asha["automation_enabled"] is False
    assert (asha["my_role"], asha["awaiting_role"], asha["waiting_on"]) == ("member", None, "none")
    assert (asha["price"], asha["amount_minor"], asha["currency"]) == (None, None, "INR")
    assert asha["other_party"].keys() == {
        "id",
        "display_name",
        "avatar_url",
        "is_deleted",
        "role",
        "last_seen_at",
    }
    assert (asha["other_party"]["id"], asha["other_party"]["display_name"]) == (
        str(talk.bharat),
        "Bharat",
    )
    assert bharat["other_party"]["id"] == str(talk.asha)
    assert (asha["unread_count"], bharat["unread_count"]) == (0, 1)
    assert asha["last_seq"] == bharat["last_seq"] == 2
    assert asha["last_message"] == bharat["last_message"]
    assert asha["last_message"]["id"] == sent["id"]
    assert asha["last_message"]["message"] == "x" * 200
    assert asha["free_text_allowed"] is True
    assert (asha["archived"], asha["pinned"], asha["muted_until"]) == (False, False, None)


def test_a_deal_shows_its_money_and_each_members_role(db: Database, talk: Talk) -> None:
    deal = open_deal(
        db, talk.bharat, talk.asha, flow_state="payment_pending", awaiting_role="brand_owner"
    )
    db.query("update private.conversations set amount_minor = 500050 where id = %s", deal)
    asha, bharat = (context_of(db, user, deal) for user in (talk.asha, talk.bharat))
    assert (asha["my_role"], bharat["my_role"]) == ("influencer", "brand_owner")
    assert asha["awaiting_role"] == asha["waiting_on"] == "brand_owner"
    assert (asha["price"], asha["amount_minor"], asha["currency"]) == (5000.5, 500050, "INR")
    assert (asha["chat_status"], asha["automation_enabled"]) == ("automated", True)
    assert asha["free_text_allowed"] is False


def test_both_members_see_one_version_and_everything_that_happens_moves_it(
    db: Database, talk: Talk
) -> None:
    seen: list[int] = []

    def look() -> None:
        versions = {context_of(db, user, talk.id)["version"] for user in (talk.asha, talk.bharat)}
        assert len(versions) == 1
        seen.extend(versions)

    look()
    send(db, talk.asha, talk.id, "one")
    look()
    with db.signed_in_as(talk.bharat):
        db.call("mark_delivered", conversation_id=talk.id)
        look()
        db.call("mark_read", conversation_id=talk.id)
        look()
        db.call("complete_profile", role="brand_owner", display_name="Bharat Inc")
        look()
    add_messages(
        db,
        talk.id,
        [{"sender_id": talk.asha, "receiver_id": talk.asha, "visible_to": "sender"}],
    )
    look()
    db.query("update private.conversations set version = version + 1")
    look()
    assert all(earlier < later for earlier, later in pairwise(seen))


def test_what_changes_nothing_leaves_the_version(db: Database, talk: Talk) -> None:
    send(db, talk.asha, talk.id, "one")
    with db.signed_in_as(talk.bharat):
        db.call("mark_read", conversation_id=talk.id)
    before = context_of(db, talk.asha, talk.id)["version"]
    with db.signed_in_as(talk.bharat):
        db.call("mark_read", conversation_id=talk.id)
        db.call("mark_delivered", conversation_id=talk.id, up_to_seq=1)
        db.call("sync")
        db.call("get_messages", conversation_id=talk.id)
    assert context_of(db, talk.asha, talk.id)["version"] == before


def test_a_known_version_saves_the_answer(db: Database, talk: Talk) -> None:
    version = context_of(db, talk.asha, talk.id)["version"]
    with db.signed_in_as(talk.asha):
        answer = db.call("get_conversation_context", conversation_id=talk.id, known_version=version)
        assert answer == {"not_modified": True, "version": version}
        for other in (version - 1, version + 1, None):
            answer = db.call(
                "get_conversation_context", conversation_id=talk.id, known_version=other
            )
            assert answer.keys() >= CONTEXT_KEYS
    send(db, talk.bharat, talk.id, "hi")
    with db.signed_in_as(talk.asha):
        answer = db.call("get_conversation_context", conversation_id=talk.id, known_version=version)
    assert answer["last_message"]["message"] == "hi"


def test_a_stranger_gets_the_very_answer_of_a_wrong_id(db: Database, talk: Talk) -> None:
    version = context_of(db, talk.asha, talk.id)["version"]
    with db.signed_in_as(talk.chitra):
        with db.refused("CONVERSATION_NOT_FOUND", 404) as foreign:
            db.call("get_conversation_context", conversation_id=talk.id, known_version=version)
        with db.refused("CONVERSATION_NOT_FOUND", 404) as unknown:
            db.call("get_conversation_context", conversation_id=uuid.uuid4())
    assert vars(foreign) == vars(unknown)
