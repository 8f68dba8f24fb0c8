"""What other chat clients get wrong, one test each."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.web.people import PATIENCE, Member, Site, Window, admit, send_many

Open = Callable[..., Window]

TOP_OF = '(list, key) => list.querySelector(`[data-key="${key}"]`).getBoundingClientRect().top'


@pytest.fixture(scope="module")
def long_talk(site: Site, bharat: Member) -> tuple[Member, str]:
    """A chat of Chitra and Bharat with 120 messages, all of them read."""
    chitra = admit(site, "Chitra", "influencer")
    talk = chitra.connect(bharat)
    send_many(site, talk, [(chitra if n % 3 else bharat, f"Number {n}") for n in range(117)])
    for member in (chitra, bharat):
        member.call("mark_read", conversation_id=talk)
    return chitra, talk


def scrolled(window: Window, to: int | str) -> tuple[str, float]:
    """Scroll the messages there; the key of a row in the middle of the screen, and its place."""
    page = window.page
    page.locator(".message-list").evaluate(
        "(list, to) => { list.scrollTop = to === 'end' ? list.scrollHeight : to }", to
    )
    # A row that has come into view is there from its next frame on.
    found: Any = page.wait_for_function(
        """() => {
          const list = document.querySelector('.message-list')
          const { left, top, width, height } = list.getBoundingClientRect()
          for (let down = height / 2; down < height; down += 10) {
            const row = document.elementFromPoint(left + width / 2, top + down)
              ?.closest('[data-key]')
            if (row) return [row.dataset.key, row.getBoundingClientRect().top]
          }
        }"""
    ).json_value()
    return found[0], found[1]


def top_of(window: Window, key: str) -> float:
    top: float = window.page.locator(".message-list").evaluate(TOP_OF, key)
    return top


@pytest.mark.parametrize(
    "key", [{"key": "Enter", "isComposing": True}, {"key": "Enter", "keyCode": 229}]
)
def test_enter_that_ends_an_input_method_does_not_send(
    asha: Member, talk: str, open_window: Open, key: dict[str, Any]
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    window.composer.fill("にほん")
    window.composer.evaluate(
        "(box, key) => box.dispatchEvent(new KeyboardEvent('keydown', "
        "{ ...key, bubbles: true, cancelable: true }))",
        key,
    )
    expect(window.composer).to_have_value("にほん")
    expect(window.message("にほん")).to_have_count(0)


def test_shift_and_enter_is_a_new_line(asha: Member, talk: str, open_window: Open) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    window.composer.fill("One")
    window.composer.press("Shift+Enter")
    window.composer.press_sequentially("two")
    expect(window.composer).to_have_value("One\ntwo")


def test_the_composer_grows_and_the_place_stays(
    long_talk: tuple[Member, str], open_window: Open
) -> None:
    window = open_window(long_talk[0])
    window.open_chat(long_talk[1])
    low = window.composer.bounding_box()
    key, before = scrolled(window, 1200)
    window.composer.fill("\n".join("abcdefgh"))
    grown = window.composer.bounding_box()
    assert low is not None
    assert grown is not None
    assert grown["height"] > low["height"] * 2
    assert top_of(window, key) == pytest.approx(before, abs=1)
    window.composer.fill("")
    scrolled(window, "end")
    window.composer.fill("\n".join("abcdefgh"))
    expect(window.page.locator(".message").last).to_be_in_viewport(ratio=1)


def test_older_pages_come_without_a_jump(long_talk: tuple[Member, str], open_window: Open) -> None:
    window = open_window(long_talk[0])
    window.open_chat(long_talk[1])
    expect(window.message("Number 116")).to_be_in_viewport()
    count = window.page.locator(".message").count()
    key, before = scrolled(window, 400)
    expect(window.page.locator(".message")).not_to_have_count(count)
    assert top_of(window, key) == pytest.approx(before, abs=2)
    for _ in range(5):
        scrolled(window, 0)
        if window.page.get_by_text("Older messages").count() == 0:
            break
        window.page.wait_for_function(
            "count => document.querySelectorAll('.message').length > count",
            arg=window.page.locator(".message").count() - 1,
        )
    expect(window.page.get_by_text("Hello Bharat")).to_be_attached()
    numbers = window.page.locator("[data-seq]").evaluate_all(
        "rows => rows.map((row) => Number(row.dataset.seq))"
    )
    assert numbers == sorted(set(numbers))


def test_a_new_message_moves_only_the_list_of_who_is_at_its_end(
    long_talk: tuple[Member, str], bharat: Member, open_window: Open
) -> None:
    chitra, talk = long_talk
    window = open_window(chitra)
    window.open_chat(talk)
    bharat.send(talk, "You are at the end")
    expect(window.message("You are at the end")).to_be_in_viewport()
    key, before = scrolled(window, 1000)
    bharat.send(talk, "You are up there")
    bharat.send(talk, "still")
    expect(window.page.locator(".pill")).to_have_text("2 new messages")
    assert top_of(window, key) == pytest.approx(before, abs=1)
    window.page.locator(".pill").click()
    expect(window.page.locator(".message").last).to_be_in_viewport()
    expect(window.page.locator(".pill")).to_have_count(0)


def test_a_message_is_the_same_row_from_the_queue_to_its_storage(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    held: list[Any] = []
    window.page.route("**/rpc/send_message", lambda route: held.append(route))
    window.write("On its way")
    row = window.message("On its way")
    expect(row).to_have_attribute("data-delivery", "waiting")
    row.evaluate("row => { row.mark = 'the same' }")
    bharat.send(talk, "Meanwhile")
    expect(window.message("Meanwhile")).to_be_visible()
    held[0].continue_()
    expect(row).to_have_attribute("data-delivery", "sent")
    expect(row).to_have_count(1)
    assert row.evaluate("row => row.mark") == "the same"
    assert window.texts()[-2:] == ["Meanwhile", "On its way"]


def test_a_text_that_is_too_long_is_kept_whole_and_not_sent(
    asha: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    window.composer.fill("😀" + 5000 * "x")
    expect(window.page.locator(".composer")).to_contain_text("One character too many.")
    expect(window.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    window.composer.press("Backspace")
    expect(window.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    window.composer.fill("")


def test_what_closes_gives_the_focus_back(asha: Member, talk: str, open_window: Open) -> None:
    window = open_window(
        asha, prepare=lambda context: context.grant_permissions(["clipboard-write"])
    )
    window.open_chat(talk)
    page = window.page
    for name, close in (
        ("More about this chat", page.get_by_role("button", name="Mute", exact=True)),
        ("Search in this chat", page.get_by_role("button", name="Close the search")),
        ("More about this message", page.get_by_role("button", name="Copy")),
    ):
        opener = page.get_by_label(name).last
        opener.press("Enter")
        close.press("Enter")
        expect(close).to_have_count(0)
        expect(opener).to_be_focused()


def test_a_draft_survives_a_reload(asha: Member, talk: str, open_window: Open) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    window.composer.fill("Not quite done")
    window.page.reload()
    expect(window.composer).to_have_value("Not quite done")
    window.composer.fill("")


def test_the_unread_line_stays_where_it_was(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    asha.call("mark_read", conversation_id=talk)
    bharat.send(talk, "First unread")
    window = open_window(asha)
    window.open_chat(talk)
    line = window.page.locator(".unread-line + .message")
    expect(line).to_contain_text("First unread")
    expect(window.page.locator(".chat-head")).to_be_in_viewport(ratio=1)  # the list alone scrolls
    bharat.send(talk, "Second unread")
    expect(window.message("Second unread")).to_be_visible()
    expect(line).to_contain_text("First unread")
    expect(window.page.locator(".unread-line")).to_have_count(1)


def test_the_title_counts_what_is_unread(site: Site, bharat: Member, open_window: Open) -> None:
    dia = admit(site, "Dia", "influencer")
    talk = dia.connect(bharat)
    dia.call("mark_read", conversation_id=talk)
    window = open_window(dia)
    window.go("")
    window.is_connected()
    expect(window.page).to_have_title("Parley")
    bharat.send(talk, "One")
    expect(window.page).to_have_title("(1) Parley")
    expect(window.page.locator(".row .badge")).to_contain_text("1")
    window.page.locator(".row").click()
    expect(window.page).to_have_title("Parley")


def test_a_new_message_is_announced_once_with_its_sender(
    asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    assert window.page.locator('[aria-live="polite"]').count() == 1
    window.page.evaluate(
        """() => {
          window.said = []
          new MutationObserver(() => {
            window.said.push(document.querySelector('[aria-live="polite"]').textContent)
          }).observe(document.querySelector('[aria-live="polite"]'), {
            characterData: true, childList: true, subtree: true,
          })
        }"""
    )
    bharat.send(talk, "Listen")
    expect(window.message("Listen")).to_be_visible()
    window.write("I do")
    expect(window.message("I do")).to_have_attribute("data-delivery", "sent")
    assert window.page.evaluate("window.said") == ["Bharat: Listen"]


def test_the_keyboard_of_a_phone_does_not_hide_the_composer(
    long_talk: tuple[Member, str], open_window: Open
) -> None:
    window = open_window(long_talk[0], width=360, height=740)
    window.open_chat(long_talk[1])
    # What `interactive-widget=resizes-content` makes of a keyboard.
    expect(window.page.locator('meta[name="viewport"]')).to_have_attribute(
        "content",
        "width=device-width, initial-scale=1, viewport-fit=cover, "
        "interactive-widget=resizes-content",
    )
    window.page.set_viewport_size({"width": 360, "height": 400})
    expect(window.composer).to_be_in_viewport(ratio=1)
    expect(window.page.locator(".message").last).to_be_in_viewport(ratio=1)


def test_a_row_moves_up_without_taking_the_focus_or_the_place(
    site: Site, bharat: Member, open_window: Open
) -> None:
    esha = admit(site, "Esha", "influencer")
    others = [admit(site, f"Brand {number}", "brand_owner") for number in range(3)]
    talks = [esha.connect(other) for other in others]
    window = open_window(esha)
    window.go("")
    window.is_connected()
    rows = window.page.locator(".row")
    expect(rows.first).to_contain_text("Brand 2")
    rows.nth(1).focus()
    others[0].send(talks[0], "Here I am")
    expect(rows.first).to_contain_text("Brand 0")
    expect(rows.nth(2)).to_be_focused()
    expect(rows.nth(2)).to_contain_text("Brand 1")


def test_a_list_is_shown_however_long_it_takes_to_draw(
    asha: Member, talk: str, open_window: Open
) -> None:
    def prepare(context: BrowserContext) -> None:
        # No two looks at the clock see the same time, as where drawing takes a while.
        context.add_init_script("let n = 0, now = Date.now; Date.now = () => now() + (n += 1)")

    window = open_window(asha, prepare=prepare)
    window.open_chat(talk)
    expect(window.page.locator(".row").first).to_be_visible()


def test_search_marks_the_words_and_jumps_to_the_message(
    long_talk: tuple[Member, str], open_window: Open
) -> None:
    window = open_window(long_talk[0])
    window.open_chat(long_talk[1])
    window.page.get_by_role("button", name="Search in this chat").click()
    window.page.get_by_role("searchbox").fill("Number 42")
    window.page.get_by_role("searchbox").press("Enter")
    hits = window.page.get_by_role("list", name="Found")
    expect(hits.locator("mark").first).to_be_visible()
    expect(hits.locator("time").first).to_have_text(re.compile("now|min"))  # no time of some day
    hits.get_by_role("button").filter(has_text=re.compile("^Number 42")).click()
    expect(window.page.locator(".message.is-found")).to_contain_text("Number 42")
    expect(window.page.locator(".message.is-found")).to_be_in_viewport()
    window.page.locator(".pill").click()
    expect(window.page.locator(".message").last).to_be_in_viewport()


# The newest page comes with so many messages before it.
GROW = """{
  const ask = window.fetch
  window.fetch = async (...args) => {
    const answer = await ask(...args)
    if (!String(args[0].url ?? args[0]).includes('get_chat_screen')) return answer
    const screen = await answer.json()
    const sample = screen.messages.find((each) => each.message_type === 'user_input')
    for (let n = 0; n < MANY; n += 1) {
      screen.messages.push(
        { ...sample, id: `${n}`, client_message_id: null, seq: -n, message: `Old ${n}` })
    }
    return Response.json(screen)
  }
}"""
# The messages that the browser lays out and paints; it leaves out what is far from the screen.
LAID_OUT = """list => [...list.querySelectorAll('.message')]
  .filter((each) => each.checkVisibility({ contentVisibilityAuto: true })).length"""
# A new place, and a frame in which the browser takes notice of it.
MOVE = """(list, to) => {
  list.scrollTop = to * (list.scrollHeight - list.clientHeight)
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
}"""


def test_ten_thousand_messages_scroll(
    long_talk: tuple[Member, str], open_window: Open, is_long: bool
) -> None:
    many = 10_000 if is_long else 1_000

    def prepare(context: BrowserContext) -> None:
        context.add_init_script(GROW.replace("MANY", str(many)))

    window = open_window(long_talk[0], prepare=prepare)
    window.go(f"chat/{long_talk[1]}")
    window.page.wait_for_function(
        "many => document.querySelectorAll('.message').length > many",
        arg=many,
        timeout=4 * PATIENCE,
    )
    messages = window.page.locator(".message-list")
    low = messages.evaluate("list => list.scrollHeight - list.scrollTop - list.clientHeight")
    assert low < 2
    for place in (1, 0.5, 0.25, 0.75):
        messages.evaluate(MOVE, place)
        assert 0 < messages.evaluate(LAID_OUT) < 400, place
