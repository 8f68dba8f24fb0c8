"""Files: chosen, dropped and pasted, uploaded with progress, seen, fetched, called off, refused."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Route, expect

from tests.web.people import Member, Site, Window

Open = Callable[..., Window]

UPLOADS = "**/storage/v1/object/attachments/**"
SIGN = "**/storage/v1/object/sign/**"


def make_png(width: int, height: int) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + tail

    rows = (b"\0" + b"\x20\x80\x60" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


PICTURE: FilePayload = {"name": "shop.png", "mimeType": "image/png", "buffer": make_png(640, 400)}
BRIEF: FilePayload = {
    "name": "brief\u202egpj.pdf",
    "mimeType": "application/pdf",
    "buffer": b"%PDF-1.4 tea",
}


def choose(window: Window, *files: FilePayload) -> None:
    """Choose files for the next message."""
    window.page.locator(".composer input[type=file]").set_input_files(files)


def waiting(window: Window) -> Locator:
    """The files that are not sent yet."""
    return window.page.get_by_role("list", name="Files to send").get_by_role("listitem")


def is_drawn(picture: Locator) -> None:
    """Wait until the picture is there, with its pixels."""
    expect(picture).to_be_visible()
    picture.evaluate("image => image.decode()")
    assert picture.evaluate("image => image.naturalWidth") == 640


def test_files_are_sent_and_the_other_side_sees_and_fetches_them(
    asha: Member, bharat: Member, talk: str, open_window: Open, tmp_path: Path
) -> None:
    mine, theirs = open_window(asha, width=360, height=740), open_window(bharat)
    theirs.page.route(SIGN, lambda route: route.abort(), times=1)  # the connection is not good
    mine.open_chat(talk)
    theirs.open_chat(talk)
    choose(mine, PICTURE, BRIEF)
    expect(waiting(mine)).to_have_count(2)
    expect(waiting(mine).first.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    expect(waiting(mine).get_by_role("progressbar")).to_have_count(0)
    mine.write("Our shop, and the brief")
    expect(waiting(mine)).to_have_count(0)
    for window in (mine, theirs):
        message = window.message("Our shop, and the brief")
        message.scroll_into_view_if_needed()  # theirs may be at an older one, as yet unread
        is_drawn(message.get_by_role("img", name="shop.png"))
        expect(message.locator(".file")).to_contain_text("briefgpj.pdf")
        expect(message.locator(".file")).to_contain_text("12 B")
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert message.evaluate(
            "row => row.querySelector('.bubble').scrollWidth"
            " <= row.querySelector('.bubble').clientWidth"
        )
    with theirs.page.expect_download() as fetched:
        theirs.message("Our shop").locator(".file").click()
    fetched.value.save_as(tmp_path / "brief.pdf")
    assert (tmp_path / "brief.pdf").read_bytes() == BRIEF["buffer"]
    # The picture's own address may have run out by now, so it is signed again.
    with theirs.page.expect_request(SIGN), theirs.page.context.expect_page() as tab:
        theirs.message("Our shop").get_by_role("link", name="Open shop.png").click()
    is_drawn(tab.value.get_by_role("img"))
    tab.value.close()
    expect(theirs.page).to_have_url(re.compile(talk))


PUT = """(element, [how, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0))
  const carried = new DataTransfer()
  carried.items.add(new File([bytes], name, { type }))
  const Kind = how === 'paste' ? ClipboardEvent : DragEvent
  const what = how === 'paste' ? { clipboardData: carried } : { dataTransfer: carried }
  const event = new Kind(how, { ...what, bubbles: true, cancelable: true })
  element.dispatchEvent(event)
  return event.defaultPrevented
}"""


@pytest.mark.parametrize(("how", "place"), [("paste", ".composer-text"), ("drop", ".message-list")])
def test_a_file_is_pasted_and_dropped_and_outlives_a_look_elsewhere(
    asha: Member, talk: str, open_window: Open, how: str, place: str
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    data = base64.b64encode(PICTURE["buffer"]).decode()
    target = window.page.locator(place)
    assert target.evaluate(PUT, [how, f"{how}.png", "image/png", data]) is True
    expect(waiting(window)).to_contain_text(f"{how}.png")
    window.go("profile")
    expect(window.page.get_by_role("heading", name="Profile")).to_be_visible()
    window.open_chat(talk)
    expect(waiting(window).get_by_role("progressbar")).to_have_count(0)
    window.page.get_by_role("button", name="Send", exact=True).click()
    is_drawn(window.page.locator(".message").last.get_by_role("img", name=f"{how}.png"))
    # What the list shows of a message without a text.
    expect(window.page.locator(".row .preview").first).to_have_text(f"You: {how}.png")


def test_sending_waits_for_the_upload_and_a_file_can_be_called_off(
    asha: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    held: list[Route] = []
    window.page.route(UPLOADS, lambda route: held.append(route))
    choose(window, PICTURE)
    expect(waiting(window).get_by_role("progressbar")).to_be_visible()
    with window.page.expect_event("requestfailed"):
        window.page.get_by_role("button", name="Do not send shop.png").click()
    expect(waiting(window)).to_have_count(0)

    with window.page.expect_request(UPLOADS):
        choose(window, PICTURE)
    window.write("With a picture")
    expect(window.page.get_by_text("It is sent when its files have arrived.")).to_be_visible()
    expect(window.message("With a picture")).to_have_count(0)
    held[-1].continue_()
    is_drawn(window.message("With a picture").get_by_role("img", name="shop.png"))


def test_what_was_uploaded_and_not_sent_is_deleted_when_it_is_called_off(
    asha: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    choose(window, PICTURE)
    expect(waiting(window)).to_contain_text(re.compile("[0-9] k?B$"))
    with window.page.expect_response(
        lambda answer: answer.request.method == "DELETE" and "/object/attachments" in answer.url
    ) as deleted:
        window.page.get_by_role("button", name="Do not send shop.png").click()
    assert [each["name"].split("/")[0] for each in deleted.value.json()] == [talk]


def test_a_file_of_a_wrong_type_or_too_large_is_refused_in_words(
    asha: Member, talk: str, open_window: Open, tmp_path: Path
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    choose(window, {"name": "page.html", "mimeType": "text/html", "buffer": b"<b>Tea</b>"})
    expect(waiting(window)).to_contain_text("Files of this type cannot be sent.")
    window.page.get_by_role("button", name="Do not send page.html").click()
    film = tmp_path / "film.mp4"
    with film.open("wb") as empty:
        empty.truncate(10 * 1024 * 1024 + 1)
    window.page.locator(".composer input[type=file]").set_input_files(film)
    expect(waiting(window)).to_contain_text("It is larger than 10 MB.")
    expect(waiting(window).get_by_role("button")).to_have_count(1)  # no other try would help
    window.composer.fill("With a film")
    expect(window.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    window.page.get_by_role("button", name="Do not send film.mp4").click()
    expect(window.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    window.composer.fill("")


def test_an_upload_that_was_refused_is_tried_again(
    asha: Member, talk: str, open_window: Open
) -> None:
    window = open_window(asha)
    window.open_chat(talk)
    refusal = {"statusCode": "403", "error": "Unauthorized", "message": "Not now."}
    window.page.route(UPLOADS, lambda route: route.fulfill(status=400, json=refusal))
    choose(window, PICTURE)
    expect(waiting(window).get_by_role("alert")).to_have_text("Not now.")
    window.page.unroute_all()
    window.page.get_by_role("button", name="Try shop.png again").click()
    expect(waiting(window).get_by_role("alert")).to_have_count(0)
    window.write("At last")
    is_drawn(window.message("At last").get_by_role("img", name="shop.png"))


def test_a_file_disappears_with_its_message(
    site: Site, asha: Member, bharat: Member, talk: str, open_window: Open
) -> None:
    mine, theirs = open_window(asha), open_window(bharat)
    mine.open_chat(talk)
    mine.page.get_by_label("Disappears after").select_option("1")
    choose(mine, {**PICTURE, "name": "secret.png"})
    mine.write("Only for an hour")
    expect(mine.message("Only for an hour")).to_have_attribute("data-delivery", "sent")
    bharat.call("mark_read", conversation_id=talk)
    theirs.open_chat(talk)
    picture = theirs.message("Only for an hour").get_by_role("img", name="secret.png")
    is_drawn(picture)
    address = str(picture.get_attribute("src"))
    token = address.split("token=")[1].split(".")[1]
    claims = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    issued, expires = (int(re.search(f'"{key}":(\\d+)', claims).group(1)) for key in ("iat", "exp"))  # type: ignore[union-attr]
    assert expires - issued <= 60
    site.sql(
        "update public.messages set created_at = now() - interval '1 hour' + interval '2 seconds',"
        " expires_at = now() + interval '2 seconds'"
        " where conversation_id = %s and expires_at is not null",
        talk,
    )
    for window in (mine, theirs):
        window.page.reload()
        expect(window.message("Only for an hour")).to_have_count(0)
        expect(window.page.locator("body")).not_to_contain_text("secret.png")
