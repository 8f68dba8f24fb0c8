"""Addresses that a client may be made to load."""

from __future__ import annotations

import json

import pytest

from tests.chat.scenes import Talk, send
from tests.support.databases import Database

LONGEST = "https://example.com/" + "a" * (2048 - 20)

ALLOWED = [
    "https://example.com",
    "https://example.com/",
    "HTTPS://EXAMPLE.COM/A.JPG",
    "https://example.com:443/a.jpg",
    "https://cdn-1.example.co.uk/a/b.jpg?size=2&x=%20#top",
    "https://example.com?next=https://other.example.org/",
    "https://example.com/@someone",
    "https://example.com#@elsewhere",
    "https://xn--11b4c3d.xn--h2brj9c/a.jpg",
    "https://1and1.example.com/a.jpg",
    "https://example.com/127.0.0.1",
    LONGEST,
]

# Rule: spellings that break it.
REFUSED = {
    "length": [LONGEST + "a", "https://" + "a" * 5000],
    "characters": [
        " https://example.com",
        "https://example.com ",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/\ta",
        "https://example.com/\u00a0",
        "https://example.com/\u0085",
        "https://exam\u007fple.com/",
        'https://example.com/"onload=',
        "https://example.com/<b>",
        "https://example.com\\@evil.example.org/",
        "https:\\\\example.com",
        "https://example.com/{x}|`^",
        "https://example.com/\u202egpj.exe",
        "https://example.com/\u2066a",
        "https://example.com/\u200ba",
        "https://example.com/ä.jpg",
        "https://exämple.com",
        "https://example\u3002com",
        "https://\uff11\uff12\uff17.0.0.1",
    ],
    "scheme": [
        "http://example.com",
        "ftp://example.com",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "//example.com/a.jpg",
        "example.com/a.jpg",
        "https:/example.com",
        "https:example.com",
        "xhttps://example.com",
        "blob:https://example.com/a",
    ],
    "credentials": [
        "https://user@example.com",
        "https://user:password@example.com",
        "https://example.com@evil.example.org/",
        "https://@example.com",
        "https://example.com:443@evil.example.org",
    ],
    "port": [
        "https://example.com:80",
        "https://example.com:8443/a",
        "https://example.com:",
        "https://example.com:0443",
        "https://127.0.0.1:22",
    ],
    "host": [
        "https://",
        "https:///a.jpg",
        "https://?x",
        "https://localhost/a",
        "https://LOCALHOST",
        "https://a.localhost",
        "https://printer.local",
        "https://metadata.google.internal/",
        "https://1.0.0.127.in-addr.arpa",
        "https://a.test",
        "https://a.invalid",
        "https://intranet",
        "https://127.0.0.1",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.0.0.1",
        "https://0177.0.0.1",
        "https://169.254.169.254/latest/meta-data",
        "https://1.2.3.4.",
        "https://[::1]",
        "https://[::1]:443/",
        "https://[::ffff:127.0.0.1]",
        "https://example.com.",
        "https://example..com",
        "https://.example.com",
        "https://-a.example.com",
        "https://a-.example.com",
        "https://a_b.example.com",
        "https://" + "a" * 64 + ".com",
        "https://" + "a." * 127 + "com",
        "https://exam%70le.com",
        "https://example.com:443:443",
        "https://example.com,evil.example.org",
    ],
}


def test_public_https_addresses_may_be_sent(db: Database, subtests: pytest.Subtests) -> None:
    for url in ALLOWED:
        with subtests.test(url[:80]):
            db.call_private("check_media_url", p_url=url)


def test_every_other_spelling_is_refused_by_its_rule(
    db: Database, subtests: pytest.Subtests
) -> None:
    for rule, urls in REFUSED.items():
        for url in urls:
            with (
                subtests.test(ascii(url[:80]), rule=rule),
                db.refused("MEDIA_INVALID", 422, details={"rule": rule}),
            ):
                db.call_private("check_media_url", p_url=url)


def test_an_operator_may_name_the_hosts(db: Database, subtests: pytest.Subtests) -> None:
    hosts = json.dumps(["cdn.example.com", "*.media.example.org"])
    db.query("update private.settings set value = %s where key = 'media_hosts'", hosts)
    for host in (
        "cdn.example.com",
        "CDN.example.com",
        "a.media.example.org",
        "a.b.media.example.org",
    ):
        with subtests.test(host):
            db.call_private("check_media_url", p_url=f"https://{host}/a.jpg")
    for host in (
        "example.com",
        "a.cdn.example.com",
        "xcdn.example.com",
        "cdn.example.com.evil.com",
        "media.example.org",
        "xmedia.example.org",
        "cdnxexample.com",
    ):
        with (
            subtests.test(host),
            db.refused("MEDIA_INVALID", 422, details={"rule": "host_not_allowed"}),
        ):
            db.call_private("check_media_url", p_url=f"https://{host}/a.jpg")
    db.query("update private.settings set value = '[]' where key = 'media_hosts'")
    with db.refused("MEDIA_INVALID", 422, details={"rule": "host_not_allowed"}):
        db.call_private("check_media_url", p_url="https://cdn.example.com/a.jpg")


def test_a_send_and_its_text_do_not_help_a_bad_address(db: Database, talk: Talk) -> None:
    with db.refused("MEDIA_INVALID", 422, details={"rule": "host"}):
        send(db, talk.asha, talk.id, "look", media_url="https://127.0.0.1/a.jpg")
