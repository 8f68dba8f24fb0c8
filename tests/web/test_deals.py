"""Deals from the market to the rating, by two people in two windows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.web.people import Member, Site, Window, admit
from tests.web.test_files import PICTURE, is_drawn

Open = Callable[..., Window]


def press(card: Locator, text: str) -> None:
    """Press a button of a card."""
    card.get_by_role("button", name=text, exact=True).click()


def opened_deal(window: Window) -> str:
    """The id of the deal that the window shows."""
    expect(window.page).to_have_url(re.compile("#/chat/"))
    return window.page.url.rpartition("/")[2]


def test_a_bid_becomes_a_deal_that_is_paid_worked_approved_and_rated(
    asha: Member, bharat: Member, open_window: Open
) -> None:
    maker, payer = open_window(asha), open_window(bharat)
    title = f"Three reels of {uuid.uuid4().hex[:6]}"
    maker.go("market")
    maker.page.get_by_role("button", name="New bid").click()
    form = maker.page.get_by_role("dialog")
    expect(form.get_by_label("Title")).to_be_focused()
    form.get_by_label("Title").fill(title)
    press(form, "Publish")
    expect(form.get_by_role("alert")).to_have_text("Fill this in.")
    form.get_by_label("What you do").fill("Reels of 30 seconds")
    form.get_by_label("Price in rupees").fill("4500")
    press(form, "Publish")
    expect(maker.page.get_by_role("article", name=title)).to_be_visible()

    payer.go("market")
    press(payer.page.get_by_role("article", name=title), "Connect")
    ask = payer.page.get_by_role("dialog")
    ask.get_by_label("What you have in mind").fill("5000")
    press(ask, "Send request")
    deal = opened_deal(payer)
    expect(payer.page.locator(".foot-note")).to_contain_text("Asha is next")
    payer.go("market")
    press(payer.page.get_by_role("article", name=title), "Open")
    assert opened_deal(payer) == deal

    maker.go("")
    maker.page.locator(".row", has_text="Your turn").click()
    until = re.compile(r"^until \w{3},? \d+ \w{3,4}$")
    expect(maker.card("New request").locator(".deadline")).to_have_text(until)
    press(maker.card("New request"), "Accept")
    details = payer.card("Describe the project")
    details.get_by_role("textbox").fill("Three reels about our new tea, by Diwali")
    press(details, "Send")
    press(maker.card("project").first, "Accept project")
    price = payer.card("Name your price")
    price.get_by_role("textbox").or_(price.get_by_role("spinbutton")).fill("99999999999")
    press(price, "Send offer")
    expect(price.locator(".field .field-fault")).to_contain_text("rupees")
    price.get_by_role("textbox").or_(price.get_by_role("spinbutton")).fill("5000")
    press(price, "Send offer")
    press(maker.card("5,000").first, "Accept ₹5,000")

    expect(payer.page.locator(".deal-panel .price")).to_have_text("₹5,000")
    press(payer.card("Pay ₹5,000"), "Pay now")
    checkout = payer.page.get_by_role("dialog")
    press(checkout, "Fail")
    expect(checkout).to_contain_text("failed")
    press(checkout, "Pay")
    expect(payer.page.locator(".money")).to_contain_text("Held for this deal")

    press(maker.page.locator('.action-card[data-open="true"]'), "Start work")
    work = maker.card("Submit")
    expect(work).to_contain_text("The work is due on")  # and its far deadline presses nobody
    expect(work.locator(".deadline")).to_be_empty()
    expect(maker.page.locator(".turn-box")).to_have_text(re.compile("^It is your turnDelivery due"))
    expect(work.locator(".field > label").first).to_have_text("Deliverables")  # it is required
    work.get_by_label("Deliverables").fill("https://drive.example/reels/1")
    work.locator("input[type=file]").set_input_files(PICTURE)
    expect(work.get_by_role("list", name="Files to send")).to_contain_text(" kB")
    press(work, "Submit work")
    expect(payer.page.locator(".submissions .rich-text a")).to_have_attribute(
        "href", "https://drive.example/reels/1"
    )
    payer.page.locator(".submissions .picture").scroll_into_view_if_needed()
    is_drawn(payer.page.locator(".submissions").get_by_role("img", name="shop.png"))
    review = payer.page.locator('.action-card[data-open="true"]').last
    press(review, "Approve")  # it opens a form: a word may go with it
    press(review, "Approve")
    expect(payer.page.locator(".money")).to_contain_text("Released")

    payer.write("Lovely reels, thank you!")
    expect(maker.message("Lovely reels")).to_be_visible()
    for window, stars in ((payer, "5"), (maker, "4")):
        press(window.page.locator(".deal-panel"), "Rate")
        window.page.locator(".deal-panel").get_by_text(stars, exact=True).click()
        # The other's rating was a step of which nobody is told, so the screen still holds.
        press(window.page.locator(".deal-panel"), "Rate")
        expect(window.page.locator(".deal-panel").get_by_role("radiogroup")).to_have_count(0)
    assert asha.call("get_ratings", conversation_id=deal)["theirs"]["rating"] == 5
    expect(payer.page.locator(".proof")).to_have_text("proved whole")


def test_a_campaign_is_applied_for_and_refused(
    asha: Member, bharat: Member, open_window: Open
) -> None:
    title = f"Lamps {uuid.uuid4().hex[:6]}"
    bharat.call("create_campaign", title=title, brief="Ten photos", budget=8000)
    applicant, owner = open_window(asha), open_window(bharat)
    applicant.go("market")
    press(applicant.page.get_by_role("article", name=title), "Apply")
    form = applicant.page.get_by_role("dialog")
    form.get_by_label("Your price in rupees").fill("7500")
    form.get_by_label("Why you").fill("I love lamps.")
    press(form, "Apply")
    deal = opened_deal(applicant)
    owner.open_chat(deal)
    card = owner.page.locator('.action-card[data-open="true"]')
    card.get_by_role("button", name=re.compile("Decline|Reject")).click()
    card.get_by_role("textbox").fill("We have our photos by now.")
    card.get_by_role("button", name=re.compile("Decline|Reject")).click()
    expect(owner.page.locator('.action-card[data-open="true"]')).to_have_count(0)
    expect(applicant.page.locator(".messages")).to_contain_text("We have our photos by now.")
    expect(applicant.page.locator(".foot-note")).to_contain_text("Nothing can be written here")


def test_a_step_on_what_has_moved_on_is_explained(site: Site, open_window: Open) -> None:
    maker, owner = admit(site, "Chitra", "influencer"), admit(site, "Dev", "brand_owner")
    bid = maker.call("create_bid", title="One reel", description="Short")
    opened = owner.call("connect_bid", bid_id=bid["id"])
    deal = opened["conversation"]["conversation_id"]
    window = open_window(maker)
    window.open_chat(deal)
    panel = window.page.locator(".deal-panel")
    expect(panel.get_by_role("button", name="Accept", exact=True)).to_be_visible()
    # Its answers stay what they were, as if the news were on their way.
    window.page.route(
        "**/rpc/take_action",
        lambda route: route.continue_(
            post_data={**route.request.post_data_json, "expected_version": 1}
        ),
    )
    press(panel, "Accept")
    expect(panel.get_by_role("alert")).to_contain_text("The deal has moved on")


def test_what_a_party_typed_is_quoted_whole_and_as_text(site: Site, open_window: Open) -> None:
    maker, owner = admit(site, "Chitra", "influencer"), admit(site, "Dev", "brand_owner")
    bid = maker.call("create_bid", title="One reel", description="Short")
    deal = owner.call("connect_bid", bid_id=bid["id"])["conversation"]["conversation_id"]
    details = (
        "<b>Three</b> reels, see https://tea.example/brief. " + "Long and longer. " * 40 + "End"
    )
    maker.call("take_action", conversation_id=deal, action="accept_connection")
    owner.call(
        "take_action",
        conversation_id=deal,
        action="send_project_details",
        input={"details": details},
    )
    window = open_window(maker, width=360)
    window.open_chat(deal)
    quote = window.page.locator("blockquote.quote")
    expect(quote.locator("cite")).to_have_text("Dev")
    expect(quote.locator(".rich-text")).to_have_text(details.strip())
    assert quote.locator("b").count() == 0
    expect(quote.locator("a")).to_have_attribute("href", "https://tea.example/brief")
    box = quote.evaluate("box => [box.scrollWidth - box.clientWidth, box.clientHeight]")
    assert box[0] <= 0
    assert box[1] > 200, "it is cut"


def test_a_form_that_has_a_button_opens_at_it(site: Site, open_window: Open) -> None:
    maker, owner = admit(site, "Chitra", "influencer"), admit(site, "Dev", "brand_owner")
    bid = maker.call("create_bid", title="One reel", description="Short")
    deal = owner.call("connect_bid", bid_id=bid["id"])["conversation"]["conversation_id"]
    maker.call("take_action", conversation_id=deal, action="accept_connection")
    owner.call(
        "take_action",
        conversation_id=deal,
        action="send_project_details",
        input={"details": "Three reels"},
    )
    window = open_window(maker)
    window.open_chat(deal)
    card = window.page.locator('.action-card[data-open="true"]')
    expect(card.get_by_role("button", name="Ask for a change")).to_have_count(1)
    expect(card.get_by_role("textbox")).to_have_count(0)
    press(card, "Ask for a change")
    expect(card.get_by_role("textbox")).to_be_focused()
    press(card, "Ask for a change")
    expect(card.get_by_role("alert")).to_have_text("Fill this in.")
    card.get_by_role("button", name="Not now").press("Enter")
    expect(card.get_by_role("button", name="Accept project")).to_be_focused()


def test_on_a_phone_the_deal_lies_over_the_chat_and_gives_the_focus_back(
    site: Site, open_window: Open
) -> None:
    maker, owner = admit(site, "Chitra", "influencer"), admit(site, "Dev", "brand_owner")
    bid = maker.call("create_bid", title="One reel", description="Short")
    deal = owner.call("connect_bid", bid_id=bid["id"])["conversation"]["conversation_id"]
    window = open_window(maker, width=360, height=740)
    window.open_chat(deal)
    toggle = window.page.get_by_role("button", name="Show the deal")
    toggle.press("Enter")
    panel = window.page.locator(".deal-panel")
    expect(panel).to_be_focused()
    expect(panel.locator(".steps [aria-current]")).to_be_visible()
    expect(toggle).to_have_count(0)  # what it covers cannot be reached
    panel.press("Escape")
    expect(panel).to_have_count(0)
    expect(toggle).to_be_focused()


def test_the_focus_stays_when_a_card_is_answered(site: Site, open_window: Open) -> None:
    maker, owner = admit(site, "Chitra", "influencer"), admit(site, "Dev", "brand_owner")
    bid = maker.call("create_bid", title="One reel", description="Short")
    opened = owner.call("connect_bid", bid_id=bid["id"])
    window = open_window(maker)
    window.open_chat(opened["conversation"]["conversation_id"])
    button = window.card("New request").get_by_role("button", name="Accept")
    button.focus()
    button.press("Enter")
    expect(window.page.locator('.action-card[data-open="false"]')).to_be_focused()
