"""Lost connections, ended sessions, blocks, late events, texts that mean harm."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import WebSocketRoute, expect

from tests.end_to_end.people import PASSWORD
from tests.web.people import Member, Site, Window, admit

Open = Callable[..., Window]


def test_what_is_written_offline_is_sent_in_order_when_the_connection_is_back(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    mine, theirs = open_window(asha), open_window(bharat)
    mine.open_chat(talk)
    theirs.open_chat(talk)
    mine.offline(True)
    expect(mine.page.locator(".connection")).to_contain_text("Offline")
    queued = [f"Queued {number}" for number in range(4)]
    for text in queued:
        mine.write(text)
    expect(mine.page.locator('[data-delivery="waiting"]')).to_have_count(4)
    expect(mine.page.locator(".connection")).to_contain_text("4 waiting")
    bharat.send(talk, "Are you there?")
    mine.offline(False)
    expect(theirs.message("Queued 3")).to_be_visible()
    expect(mine.page.locator('[data-delivery="waiting"]')).to_have_count(0)
    expect(mine.message("Are you there?")).to_be_visible()
    mine.is_connected()
    for window in (mine, theirs):
        assert [text for text in window.texts() if text in queued] == queued
    assert mine.texts() == theirs.texts()


def test_every_page_opens_without_a_connection(asha: Member, open_window: Open) -> None:
    window = open_window(asha, prepare=lambda _: None)  # nothing is in its cache
    with window.page.expect_response("**/assets/Profile-*.js"):
        window.go("")
    window.is_connected()
    window.page.wait_for_load_state("networkidle")
    window.offline(True)
    window.page.get_by_role("link", name="Points").click()
    expect(window.page.get_by_role("heading", name="Messages and points")).to_be_visible()
    expect(window.page.get_by_role("alert")).to_contain_text("check the connection")
    window.offline(False)
    expect(window.page.get_by_role("alert")).to_have_count(0)


def test_a_part_that_cannot_be_loaded_takes_nothing_else_with_it(
    asha: Member, open_window: Open
) -> None:
    window = open_window(asha)
    window.page.route("**/assets/Market-*.js", lambda route: route.abort())
    window.go("market")
    expect(window.page.get_by_role("alert")).to_contain_text("could not be loaded")
    expect(window.page.get_by_role("link", name="Chats")).to_be_visible()
    window.page.unroute_all()
    window.page.get_by_role("button", name="Try again").click()
    expect(window.page.get_by_role("heading", name="Market")).to_be_visible()
    window.faults.clear()  # React says on the console what the boundary has caught


def test_what_was_queued_survives_a_reload(asha: Member, talk: str, open_window: Open) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    window.page.route("**/rpc/send_message", lambda route: route.abort())
    window.write("Before the reload")
    expect(window.message("Before the reload")).to_have_attribute("data-delivery", "waiting")
    window.page.unroute_all()
    window.page.reload()
    expect(window.message("Before the reload")).to_have_attribute(
        "data-delivery", re.compile("sent|delivered|read")
    )
    expect(window.message("Before the reload")).to_have_count(1)


def test_who_has_lost_the_token_signs_in_again_and_loses_nothing(
    asha: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    window.composer.fill("Written without a token")
    window.composer.evaluate(
        """box => {
          localStorage.removeItem('parley.session')
          box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
        }"""
    )
    expect(window.page.get_by_role("status")).to_contain_text("1 unsent message will follow")
    window.page.get_by_label("E-mail").fill(asha.email)
    window.page.get_by_label("Password").fill(PASSWORD)
    window.page.get_by_role("button", name="Sign in").click()
    expect(window.message("Written without a token")).to_have_attribute(
        "data-delivery", re.compile("sent|delivered|read")
    )


def test_a_mark_that_was_refused_is_made_at_the_next_look(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    refuse = {"status": 403, "json": {"code": "42501", "message": "permission denied"}}
    window.page.route("**/rpc/mark_read", lambda route: route.fulfill(**refuse))
    with window.page.expect_response("**/rpc/mark_read"):
        bharat.send(talk, "Look at this")
    window.page.unroute("**/rpc/mark_read")
    with window.page.expect_response("**/rpc/mark_read") as marked:
        # Until the page has read the refusal, a look changes nothing.
        window.page.evaluate("setInterval(() => window.dispatchEvent(new Event('focus')), 50)")
    assert marked.value.json()["unread_count"] == 0


def test_a_wrong_password_is_said_in_words(open_window: Open, asha: Member) -> None:
    window = open_window(None)
    window.go()
    window.page.get_by_label("E-mail").fill(asha.email)
    window.page.get_by_label("Password").fill("wrong")
    window.page.get_by_role("button", name="Sign in").click()
    expect(window.page.get_by_role("alert")).to_contain_text("do not belong together")
    window.offline(True)
    window.page.get_by_role("button", name="Sign in").click()
    expect(window.page.get_by_role("alert")).to_contain_text("check the connection")


def test_a_new_account_says_who_it_is_and_begins(open_window: Open) -> None:
    window = open_window(None)
    window.go()
    window.page.get_by_role("button", name="I am new here").click()
    window.page.get_by_label("E-mail").fill(f"{uuid.uuid4().hex}@example.com")
    window.page.get_by_label("Password").fill(PASSWORD)
    window.page.get_by_role("button", name="Create an account").click()
    window.page.get_by_text("Influencer", exact=True).click()
    window.page.get_by_label("Your name").fill("Nila")
    window.page.get_by_role("button", name="Begin").click()
    expect(window.page.get_by_text("No chats yet")).to_be_visible()


REFUSAL: dict[str, Any] = {"status": 403, "json": {"code": "FORBIDDEN", "message": "Not today."}}


def test_a_refusal_without_a_place_of_its_own_is_said_above_the_page(
    asha: Member, talk: str, open_window: Open
) -> None:
    bid = asha.call("create_bid", title="A reel", description="Short")
    window = open_window(asha)
    for function in ("set_conversation_preferences", "block_user", "set_privacy", "close_bid"):
        window.page.route(f"**/rpc/{function}", lambda route: route.fulfill(**REFUSAL))
    said = window.page.get_by_role("alert")
    window.open_chat(talk)
    for choice in ("Pin to the top", "Block"):
        window.page.get_by_label("More about this chat").click()
        expect(said).to_have_count(0)
        window.page.get_by_role("button", name=choice, exact=True).click()
        expect(said).to_contain_text("Not today.")
    window.go("profile")
    window.page.get_by_label("Others see when you were last here").click()
    expect(said).to_have_count(1)
    window.go("market")
    window.page.get_by_role("button", name="Bids").click()
    expect(said).to_have_count(0)
    window.page.get_by_role("article", name=bid["title"]).get_by_role("button").first.click()
    expect(said).to_contain_text("Not today.")
    said.get_by_role("button", name="Close").press("Enter")
    expect(said).to_have_count(0)


def test_a_block_holds_in_both_windows_until_it_is_taken_back(
    site: Site, bharat: Member, open_window: Open
) -> None:
    chitra = admit(site, "Chitra", "influencer")
    talk = chitra.connect(bharat)
    mine, theirs = open_window(chitra), open_window(bharat)
    mine.open_chat(talk)
    theirs.open_chat(talk)
    theirs.page.get_by_label("More about this chat").click()
    theirs.page.get_by_role("button", name="Block", exact=True).click()
    expect(theirs.page.locator(".foot-note")).to_contain_text("You have blocked Chitra")
    theirs.page.route("**/rest/v1/users?*", lambda route: route.fulfill(**REFUSAL))
    theirs.go("profile")
    expect(theirs.page.get_by_role("alert")).to_contain_text("Not today.")
    expect(theirs.page.get_by_text("Nobody. Block")).to_have_count(0)
    theirs.open_chat(talk)
    mine.write("Hello?")
    row = mine.message("Hello?")
    expect(row).to_have_attribute("data-delivery", "refused")
    theirs.page.get_by_role("button", name="Unblock").click()
    expect(theirs.composer).to_be_visible()
    row.get_by_role("button", name="Try again").click()
    expect(theirs.message("Hello?")).to_be_visible()


def test_an_event_that_comes_late_shows_nothing_twice(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    late: list[tuple[WebSocketRoute, Any]] = []

    def hold(ws: WebSocketRoute) -> None:
        server = ws.connect_to_server()
        server.on_message(
            lambda said: late.append((ws, said)) if "new_message" in str(said) else ws.send(said)
        )

    window = open_window(
        asha, prepare=lambda context: context.route_web_socket(re.compile("realtime"), hold)
    )
    window.open_chat(talk)
    bharat.send(talk, "The early one")
    for _ in range(300):
        if late:
            break
        window.page.wait_for_timeout(50)
    assert late, "no event was held back"
    # What the event would have shown comes by a sync.
    window.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(window.message("The early one")).to_be_visible()
    for ws, said in late:
        ws.send(said)
    bharat.send(talk, "The next one")
    window.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(window.message("The next one")).to_be_visible()
    expect(window.message("The early one")).to_have_count(1)


HOSTILE = {
    "markup": "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>",
    "order": "invoice\u202egpj.exe",
    "scheme": "javascript:alert(1) data:text/html,<b>x</b> https://user:pw@evil.example/",
    "emoji": "😀" * 2500,
    "word": "W" * 5000,
    "marks": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "rtl": "مرحبا، كيف حالك؟",
}


def test_hostile_texts_are_shown_as_text(site: Site, bharat: Member, open_window: Open) -> None:
    name = "Chitra " + "W" * 70
    chitra = admit(site, name, "influencer")
    talk = chitra.connect(bharat)
    for text in HOSTILE.values():
        chitra.send(talk, text)
    window = open_window(bharat)
    window.open_chat(talk)
    expect(window.page.locator(".message")).to_have_count(len(HOSTILE) + 2)
    assert HOSTILE["markup"] in window.texts()
    assert "invoicegpj.exe" in window.texts()
    assert window.page.locator(".bubble :is(img, script, b, iframe)").count() == 0
    assert window.page.locator(".bubble a").count() == 0
    assert window.page.evaluate("document.title").endswith("Parley")
    for width in (360, 1280):
        window.page.set_viewport_size({"width": width, "height": 800})
        widths = window.page.evaluate(
            "[document.documentElement.scrollWidth, innerWidth, "
            "document.querySelector('.message-list').scrollWidth, "
            "document.querySelector('.message-list').clientWidth]"
        )
        assert widths[0] <= widths[1]
        assert widths[2] <= widths[3]
        window.go("market")
        window.page.get_by_role("button", name="People").click()
        expect(window.page.get_by_text(name).first).to_be_visible()
        assert window.page.locator(".page").evaluate("page => page.scrollWidth <= page.clientWidth")
        window.open_chat(talk)
    direction = (
        window.message("مرحبا")
        .locator(".rich-text")
        .evaluate("text => getComputedStyle(text).direction")
    )
    assert direction == "rtl"
