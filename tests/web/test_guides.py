"""The manual tests of a messaging guide, in two windows: delivery, quota, disappearing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from playwright.sync_api import Route, expect

from tests.web.people import Member, Site, Window, admit, send_many

Open = Callable[..., Window]


def test_a_message_written_in_one_window_appears_in_the_other(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    mine, theirs = open_window(asha), open_window(bharat)
    theirs.open_chat(talk)
    mine.open_chat(talk)
    expect(mine.page.locator(".chat-who")).to_contain_text("online")
    mine.composer.press_sequentially("Nam")
    expect(theirs.page.locator(".chat-who")).to_contain_text("typing")
    mine.write("Namaste Bharat")
    expect(theirs.message("Namaste Bharat")).to_be_visible()
    expect(mine.page.locator('.message[data-delivery="read"]').last).to_contain_text(
        "Namaste Bharat"
    )
    expect(theirs.page.locator(".row .preview").first).to_have_text("Namaste Bharat")


def test_an_answer_that_a_receipt_overtook_does_not_take_it_back(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    mine, theirs = open_window(asha), open_window(bharat)
    mine.open_chat(talk)
    theirs.go("")
    theirs.is_connected()
    mine.write("Have you seen this?")
    message = mine.message("Have you seen this?")
    expect(message).to_have_attribute("data-delivery", "delivered")
    held: list[Route] = []
    mine.page.route("**/rpc/sync", lambda route: held.append(route))
    sync = "window.dispatchEvent(new Event('online'))"
    with mine.page.expect_request("**/rpc/sync"):
        mine.page.evaluate(sync)
    mine.page.evaluate(sync)
    answer = held[0].fetch()
    theirs.open_chat(talk)
    expect(message).to_have_attribute("data-delivery", "read")
    # The second sync begins when the answer of the first has been taken.
    with mine.page.expect_request("**/rpc/sync"):
        held[0].fulfill(response=answer)
    expect(message).to_have_attribute("data-delivery", "read")


def test_twenty_messages_are_free_and_the_next_one_asks_for_points(
    site: Site, bharat: Member, open_window: Open
) -> None:
    chitra = admit(site, "Chitra", "influencer")
    site.sql("update private.accounts set daily_free_limit = 20 where user_id = %s", chitra.id)
    talk = chitra.connect(bharat)
    send_many(site, talk, [(chitra, f"Idea {number}") for number in range(18)])
    page = open_window(chitra)
    page.open_chat(talk)
    page.write("The twentieth")
    expect(page.message("The twentieth")).to_have_attribute("data-delivery", "sent")
    expect(page.page.locator(".cost")).to_contain_text("costs 10 points; you have 0")
    page.write("One more")
    expect(page.page.get_by_role("alertdialog")).to_contain_text("You have 0 points")
    page.page.get_by_role("button", name="All right").click()
    expect(page.composer).to_have_value("One more")

    site.grant_points(chitra, 30)
    expect(page.page.locator(".cost")).to_contain_text("you have 30")
    page.composer.press("Enter")
    page.page.get_by_role("button", name="Yes, 10 points").click()
    expect(page.message("One more")).to_have_attribute("data-delivery", "sent")
    expect(page.page.locator(".cost")).to_contain_text("you have 20")
    assert chitra.call("get_quota")["points_balance"] == 20


def test_the_free_messages_of_a_new_day_are_there_without_a_reload(
    asha: Member, talk: str, open_window: Open
) -> None:
    def make_old(route: Route) -> None:
        answer = route.fetch()
        screen = answer.json()
        screen["quota"] |= {"free_left": 0, "cost": 10, "resets_at": "2020-01-02T00:00:00+00:00"}
        route.fulfill(response=answer, json=screen)

    window = open_window(asha)
    window.page.route(re.compile("/rpc/get_(chat|inbox)_screen"), make_old)
    window.page.route("**/rpc/get_quota", lambda route: route.abort())
    window.open_chat(talk)
    window.write("A new day")
    expect(window.page.get_by_role("alertdialog")).to_be_visible()
    window.page.unroute("**/rpc/get_quota")
    window.page.evaluate("window.dispatchEvent(new Event('online'))")  # or the next silence
    expect(window.page.locator(".cost")).to_have_count(0)
    expect(window.page.get_by_role("alertdialog")).to_have_count(0)
    window.composer.press("Enter")
    expect(window.message("A new day")).to_be_visible()


def test_an_older_answer_does_not_turn_the_clock_back(
    asha: Member, bharat: Member, open_window: Open
) -> None:
    talk = asha.connect(bharat)
    asha.send(talk, "For an hour", expiration_hours=1)

    def make_old(route: Route) -> None:
        answer = route.fetch()
        screen = answer.json()
        at = datetime.fromisoformat(screen["conversation"]["server_now"]) - timedelta(hours=1)
        screen["conversation"]["server_now"] = at.isoformat()
        route.fulfill(response=answer, json=screen)

    window = open_window(asha)
    window.go("")
    window.is_connected()
    window.page.route("**/rpc/get_chat_screen", make_old)
    window.open_chat(talk)
    expect(window.message("For an hour").locator(".expiry")).to_have_text(re.compile(r"^\d\d min"))


def test_a_disappearing_message_is_gone_from_both_windows_at_its_time(
    site: Site, asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    mine, theirs = open_window(asha), open_window(bharat)
    theirs.open_chat(talk)
    mine.open_chat(talk)
    mine.page.get_by_label("Disappears after").select_option("1")
    mine.write("The code is 4711")
    expect(mine.message("4711").locator(".expiry")).to_contain_text(" min")
    site.sql(
        "update public.messages set created_at = now() - interval '3550 seconds',"
        " expires_at = now() + interval '50 seconds'"
        " where conversation_id = %s and expires_at is not null",
        talk,
    )
    for page in (mine, theirs):
        page.page.reload()
        expect(page.message("4711").locator(".expiry")).to_contain_text(" s")
    for page in (mine, theirs):
        page.offline(True)  # nobody tells it
        page.page.evaluate("{ const now = Date.now; Date.now = () => now() + 60_000 }")
    for page in (mine, theirs):
        expect(page.message("4711")).to_have_count(0)
        expect(page.page.locator("body")).not_to_contain_text("4711")
