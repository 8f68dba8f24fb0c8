"""The inbox: what is pinned, muted, archived; filters; whose turn it is."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.web.people import Member, Site, Window, admit

Open = Callable[..., Window]


def test_chats_are_pinned_muted_archived_and_filtered(
    site: Site, bharat: Member, open_window: Open
) -> None:
    chitra = admit(site, "Chitra", "influencer")
    dev = admit(site, "Dev", "brand_owner")
    first, second = chitra.connect(bharat), chitra.connect(dev)
    bid = chitra.call("create_bid", title="A reel", description="Short")
    bharat.call("connect_bid", bid_id=bid["id"])
    window = open_window(chitra)
    window.open_chat(first)
    rows = window.page.locator(".row")
    menu = window.page.get_by_label("More about this chat")
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("Bharat")
    menu.click()
    window.page.get_by_role("button", name="Pin to the top").click()
    expect(rows.first).to_contain_text("Hello Chitra")
    expect(rows.first).to_have_attribute("aria-current", "page")
    menu.click()
    window.page.get_by_role("button", name="Mute", exact=True).click()
    menu.click()
    expect(window.page.get_by_role("button", name="Unmute")).to_be_visible()
    window.page.get_by_role("button", name="Archive", exact=True).click()
    expect(rows).to_have_count(2)
    for name, count in (
        ("Archived", 1),
        ("My turn", 1),
        ("Deals", 1),
        ("Direct", 1),
        ("Unread", 2),
    ):
        window.page.get_by_role("group").get_by_role("button", name=name, exact=True).click()
        expect(rows).to_have_count(count)
    window.page.get_by_role("button", name="All").click()
    bharat.send(first, "Back with me")
    expect(rows).to_have_count(3)
    window.open_chat(second)
    expect(window.page.locator(".row", has_text="Dev").locator(".badge")).to_have_count(0)


def test_a_screen_that_has_not_changed_is_not_sent_again(
    asha: Member, bharat: Member, open_window: Open
) -> None:
    talk = asha.connect(bharat)
    asha.call("create_bid", title="Seen before", description="Short")
    window = open_window(bharat)
    window.open_chat(talk)
    for name, place in (("market", "market"), ("quota", "quota"), ("chat", f"chat/{talk}")):
        answers = []
        for where in (place, "profile", place):
            if where == "profile":
                window.go(where)
                expect(window.page.get_by_role("heading", name="Profile")).to_be_visible()
                continue
            with window.page.expect_response(f"**/rpc/get_{name}_screen") as asked:
                window.go(where)
            answers.append(asked.value.json())
        assert "not_modified" in answers[1], name
    expect(window.message(f"Hello {bharat.name}")).to_be_visible()
    window.go("market")
    expect(window.page.get_by_role("article", name="Seen before")).to_be_visible()


def test_a_way_leads_back_to_the_chats_and_not_round_in_a_circle(
    asha: Member, bharat: Member, open_window: Open
) -> None:
    asha.connect(bharat)
    window = open_window(asha, width=360, height=740)
    back = window.page.get_by_role("button", name="Back to the chats")
    rows = window.page.locator(".row")
    window.go("chat/00000000-0000-4000-8000-000000000000")
    expect(window.page.get_by_role("alert")).to_be_visible()
    back.click()
    rows.first.click()
    back.click()
    expect(rows.first).to_be_focused()
    window.page.go_back()
    expect(rows.first).to_be_visible()
    window.go("nowhere")
    expect(rows.first).to_be_visible()


def test_nobody_has_written_yet(site: Site, open_window: Open) -> None:
    window = open_window(admit(site, "Esha", "influencer"))
    window.go("")
    expect(window.page.get_by_role("heading", name="No chats yet")).to_be_visible()
    window.page.get_by_role("link", name="To the market").click()
    expect(window.page.get_by_role("heading", name="Market")).to_be_visible()
