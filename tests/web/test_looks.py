"""Every screen in both themes and on a phone and a desktop: axe finds nothing, pictures are taken.

With PARLEY_SCREENSHOTS=1 the pictures of docs/WEB.md are written anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from scripts.dev.demo.web import CLIENT
from tests.support.stacks import ROOT
from tests.web.people import Member, Site, Window, admit, window

PICTURES = ROOT / "docs" / "web"
LARGEST = 150_000
AXE = CLIENT / "node_modules" / "axe-core" / "axe.min.js"
# A frame that something has made taller than the window is one that can be scrolled away.
OUT_OF_FRAME = """() => [document.documentElement, ...document.querySelectorAll('.frame, .content')]
  .filter((each) => document.querySelector('.frame') && each.scrollHeight > innerHeight)
  .map((each) => each.className || each.tagName)"""
# What a finger has to hit is 44 pixels high and wide; links within a text are text.
TOO_SMALL = """() => [...document.querySelectorAll('button, a, input, select, summary, textarea')]
  .filter((each) => each.checkVisibility({ opacityProperty: true }) && !each.closest('.rich-text')
    && !each.matches('[type="radio"], [role="switch"]') && !each.closest('[inert]'))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 1 && (width < 44 || height < 44))
  .map(([each, { width, height }]) => `${each.outerHTML.slice(0, 80)}: ${width} x ${height}`)"""
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """(runOnly) => axe.run(document, { runOnly, resultTypes: ['violations'] })
  .then(({ violations }) => violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) =>
    `${target} ${failureSummary}`).join(' | ')}`))"""


@dataclass(frozen=True)
class Scene:
    """People with something to look at."""

    maya: Member
    kiran: Member
    chat: str
    deal: str


# What others offer.
BIDS = (
    ("Ira Bose", "Recipe with your product", "A short film and four photos in daylight.", 7000),
    ("Zoya Khan", "A morning in your shop", "A story in six parts, filmed while you open.", 5500),
    ("Anand Pai", "Unboxing, unscripted", "What I think of it, on camera, in one take.", 3200),
    ("Meera Nair", "Travel diary, one week", "Your bags on my way through Kerala.", None),
    ("Ravi Das", "Street portraits with lamps", "Ten photos at dusk, with everybody's yes.", 9000),
)


@pytest.fixture(scope="module")
def scene(site: Site) -> Scene:
    """A chat, a deal that waits for its price, a market without what other tests left there."""
    site.sql("update public.bids set status = 'closed'")
    site.sql("update public.campaigns set status = 'closed'")
    maya, kiran = admit(site, "Maya Rao", "influencer"), admit(site, "Kiran Shah", "brand_owner")
    site.sql("update private.accounts set daily_free_limit = 20 where user_id = %s", maya.id)
    others = [admit(site, name, "brand_owner") for name in ("Leela & Sons", "Om Teas", "Tara Jain")]
    for other in others:
        maya.connect(other)
    bid = maya.call(
        "create_bid",
        title="Three reels for a launch",
        description="Thirty seconds each, filmed at home, with one round of changes.",
        amount=4500,
    )
    kiran.call(
        "create_campaign",
        title="Diwali lamps",
        brief="Ten photos of our lamps at dusk, by the end of the month.",
        budget=8000,
    )
    for name, title, description, amount in BIDS:
        other = admit(site, name, "influencer")
        other.call("create_bid", title=title, description=description, amount=amount)
    opened = kiran.call("connect_bid", bid_id=bid["id"], proposed_amount=5000)
    deal = opened["conversation"]["conversation_id"]
    steps: tuple[tuple[Member, str, dict[str, Any]], ...] = (
        (maya, "accept_connection", {}),
        (kiran, "send_project_details", {"details": "Three reels about our new tea, by Diwali."}),
        (maya, "accept_project", {}),
        (kiran, "send_price_offer", {"price": 5000}),
    )
    for who, action, given in steps:
        who.call("take_action", conversation_id=deal, action=action, input=given)
    chat = maya.connect(kiran)
    for who, text in (
        (kiran, "I loved your last reel, the light in it above all."),
        (maya, "Thank you! It was filmed at six in the morning."),
        (kiran, "Could we have the same for the tea? Our shop opens at seven."),
        (maya, "Of course. Here is what I have in mind: https://drive.example/tea"),
    ):
        last = who.send(chat, text)
    kiran.send(chat, "That is lovely. Shall we say Thursday?", reply_to=last["message"]["id"])
    maya.send(chat, "Thursday it is. The door code is 4711.", expiration_hours=1)
    kiran.call("mark_read", conversation_id=chat)
    return Scene(maya, kiran, chat, deal)


@dataclass(frozen=True)
class Look:
    """A size of the screen."""

    name: str
    width: int
    height: int
    is_phone: bool


LOOKS = (Look("desktop", 1280, 720, False), Look("phone", 360, 740, True))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Which picture the documentation shows of which screen.
SHOWN = {
    ("chat", "desktop-light"),
    ("deal", "desktop-light"),
    ("deal", "phone-dark"),
    ("inbox", "phone-light"),
    ("market", "desktop-dark"),
    ("quota", "phone-light"),
}


def chat(window: Window, scene: Scene) -> None:
    window.open_chat(scene.chat)
    expect(window.message("4711")).to_be_visible()


def deal(window: Window, scene: Scene) -> None:
    window.open_chat(scene.deal)
    expect(window.card("5,000")).to_be_visible()
    if window.page.viewport_size and window.page.viewport_size["width"] > 1000:
        expect(window.page.locator(".steps [aria-current]")).to_be_visible()


def panel(window: Window, scene: Scene) -> None:
    deal(window, scene)
    if not window.page.locator(".deal-panel").is_visible():
        window.page.get_by_role("button", name="Show the deal").click()
    expect(window.page.locator(".steps [aria-current]")).to_be_visible()
    window.page.get_by_text("proved whole").click()
    expect(window.page.locator(".history time").first).to_be_visible()


def inbox(window: Window, _scene: Scene) -> None:
    window.go("")
    expect(window.page.locator(".row").first).to_be_visible()
    window.is_connected()


def market(window: Window, scene: Scene) -> None:
    window.go("market")
    window.page.get_by_role("button", name="Bids").click()
    expect(window.page.locator(".market-card").first).to_be_visible()


def people(window: Window, scene: Scene) -> None:
    market(window, scene)
    window.page.get_by_role("button", name="People").click()
    expect(window.page.locator(".person").first).to_be_visible()


def new_bid(window: Window, scene: Scene) -> None:
    market(window, scene)
    window.page.get_by_role("button", name="New bid").click()
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Publish").click()
    expect(dialog.get_by_role("alert")).to_be_visible()


def quota(window: Window, _scene: Scene) -> None:
    window.go("quota")
    expect(window.page.locator(".page .quota-count")).to_be_visible()
    expect(window.page.get_by_text("No points have moved")).to_be_visible()


def notices(window: Window, _scene: Scene) -> None:
    window.go("notices")
    expect(window.page.locator(".page .row").first).to_be_visible()


def profile(window: Window, _scene: Scene) -> None:
    window.go("profile")
    expect(window.page.get_by_label("Your name")).to_be_visible()


def offline(window: Window, scene: Scene) -> None:
    chat(window, scene)
    window.offline(True)
    window.write("Until then!")
    expect(window.page.locator('[data-delivery="waiting"]')).to_be_visible()


SCREENS = (inbox, chat, deal, panel, market, people, new_bid, quota, notices, profile, offline)


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: look.name)
def look(request: pytest.FixtureRequest) -> Look:
    found: Look = request.param
    return found


@pytest.fixture(scope="module")
def looker(look: Look, scene: Scene) -> Iterator[Window]:
    """Maya's window in this size."""
    maya, width, height = scene.maya, look.width, look.height
    with window(maya.site, maya, width=width, height=height, is_phone=look.is_phone) as opened:
        yield opened
        opened.page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_nothing_serious_is_wrong_with_a_screen(
    look: Look,
    looker: Window,
    scene: Scene,
    screen: Callable[[Window, Scene], None],
) -> None:
    looker.go("profile")  # each screen opens anew in the same page, as for a user who walks through
    screen(looker, scene)
    looker.page.evaluate("document.fonts.ready")
    check(looker, look, screen.__name__)
    if screen is offline:
        looker.page.goto("about:blank")  # so that what waits is never sent
        looker.begin(scene.maya)


def test_nothing_serious_is_wrong_with_the_way_in(look: Look, looker: Window, scene: Scene) -> None:
    looker.begin(None)
    looker.go()
    expect(looker.page.get_by_label("E-mail")).to_be_visible()
    check(looker, look, "sign-in")
    looker.begin(scene.maya)


def check(looker: Window, look: Look, screen: str) -> None:
    """Nothing is wider than the screen, axe finds nothing serious in either theme; pictures."""
    page = looker.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(OUT_OF_FRAME) == []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    if look.is_phone:
        assert page.evaluate(TOO_SMALL) == []
    # A theme changes colours and nothing else.
    for theme, rules in zip(THEMES, (RULES, ["color-contrast"]), strict=True):
        page.emulate_media(color_scheme=theme)
        assert page.evaluate(RUN_AXE, rules) == [], theme
        name = f"{look.name}-{theme}"
        if os.environ.get("PARLEY_SCREENSHOTS") and (screen, name) in SHOWN:
            PICTURES.mkdir(exist_ok=True)
            page.screenshot(
                path=PICTURES / f"{screen}-{name}.png", animations="disabled", caret="hide"
            )


@pytest.mark.parametrize(("screen", "look_name"), sorted(SHOWN))
def test_the_documentation_shows_the_picture(screen: str, look_name: str) -> None:
    picture = PICTURES / f"{screen}-{look_name}.png"
    assert 0 < picture.stat().st_size < LARGEST
    assert f"web/{picture.name}" in (ROOT / "docs" / "WEB.md").read_text("utf-8")
