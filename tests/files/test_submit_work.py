"""Submitted work carries files, which both sides of the deal read."""

from __future__ import annotations

import uuid

from tests.chat.scenes import block
from tests.files.scenes import sees, upload
from tests.flow.deals import gather_cast, open_play
from tests.flow.rows import BRAND_OWNER, INFLUENCER
from tests.support.databases import Database


def test_work_is_handed_in_with_files_that_both_sides_read(db: Database) -> None:
    cast = gather_cast(db)
    play = open_play(db, cast, "bid", "work_in_progress")
    form = next(a for a in play.available(INFLUENCER) if a["action"] == "submit_work")
    assert form["schema"]["properties"]["attachments"]["maxItems"] == 10
    with db.refused("42501"):  # the brand owner has no form
        upload(db, cast.bharat, play.id)
    file = upload(db, cast.asha, play.id)
    assert not sees(db, cast.bharat, file["path"])
    given = {"conversation_id": play.id, "deliverables": "the film", "attachments": [file]}
    with db.signed_in_as(cast.asha):
        step = {**given, "client_action_id": str(uuid.uuid4())}
        first, again = db.call("submit_work", **step), db.call("submit_work", **step)
    assert first["messages"] == again["messages"]
    assert [sees(db, user, file["path"]) for user in (cast.asha, cast.bharat, cast.chitra)] == [
        True, True, False,
    ]  # fmt: skip
    with db.signed_in_as(cast.bharat):
        told = db.call("get_messages", conversation_id=play.id, page_size=1)
        (work,) = db.select("select attachments from public.work_submissions")
    assert told[0]["attachments"] == work["attachments"] == [file]
    assert play.context(BRAND_OWNER)["work_submission"]["attachments"] == [file]
    # The form is gone with the state, and what was handed in is given to nothing else.
    with db.refused("42501"):
        upload(db, cast.asha, play.id)
    play.call(BRAND_OWNER, "request_revision", {"feedback": "longer"})
    repeated = {"deliverables": "again", "attachments": [file]}
    with db.refused("MEDIA_INVALID", 422, details={"rule": "already_sent"}):
        play.call(INFLUENCER, "submit_work", repeated)
    bad = {"deliverables": "again", "attachments": [{**file, "name": "a/b"}]}
    refused = {"field": "attachments", "rule": "name"}
    with db.refused("INPUT_INVALID", 422, details=refused):
        play.call(INFLUENCER, "submit_work", bad)


def test_withdrawn_work_leaves_the_files_of_the_work_before(db: Database) -> None:
    cast = gather_cast(db)
    play = open_play(db, cast, "bid", "work_in_progress")
    first, second = (upload(db, cast.asha, play.id) for _ in range(2))
    play.call(INFLUENCER, "submit_work", {"deliverables": "one", "attachments": [first]})
    play.call(BRAND_OWNER, "request_revision", {"feedback": "longer"})
    play.call(INFLUENCER, "submit_work", {"deliverables": "two", "attachments": [second]})
    play.call(INFLUENCER, "withdraw_submission", {})
    assert play.context(BRAND_OWNER)["work_submission"]["attachments"] == [first]


def test_across_a_block_the_work_counts_and_its_files_stay_behind(db: Database) -> None:
    cast = gather_cast(db)
    play = open_play(db, cast, "bid", "work_in_progress")
    file = upload(db, cast.asha, play.id)
    block(db, cast.bharat, cast.asha)
    given = {"deliverables": "the film", "attachments": [file]}
    answer = play.call(INFLUENCER, "submit_work", given)
    assert answer["flow_update"]["new_state"] == "work_submitted"
    assert not sees(db, cast.bharat, file["path"])
    assert sees(db, cast.asha, file["path"])
    assert db.query("select attachments from public.work_submissions") == [{"attachments": None}]
