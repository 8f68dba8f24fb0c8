"""What the client's sources and its built files promise."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import psycopg

from scripts.dev.demo.web import CLIENT
from tests.support.stacks import Stack
from tests.web.people import Site

# Bytes of compressed script that the first load may take.
FIRST_LOAD = 150_000


def sources() -> dict[str, str]:
    """The client's own sources, by path."""
    return {
        str(path.relative_to(CLIENT)): path.read_text("utf-8")
        for path in (CLIENT / "src").rglob("*")
        if path.suffix in (".ts", ".tsx", ".css")
    }


def test_no_source_knows_a_state_of_the_flow(stack: Stack) -> None:
    with psycopg.connect(stack.db_url) as connection:
        names = [
            row[0] for row in connection.execute("select distinct state from private.flow_states")
        ]
    assert len(names) > 15
    word = re.compile(rf"\b({'|'.join(names)})\b")
    found = {path: word.findall(text) for path, text in sources().items()}
    assert not {path: names for path, names in found.items() if names}


def test_no_html_is_made_from_data() -> None:
    makers = re.compile(r"dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|\beval\(")
    assert [path for path, text in sources().items() if makers.search(text)] == []


def test_type_and_space_come_from_the_scales() -> None:
    off = re.compile(r"^\s*((?:font-size|gap|padding|margin): (?:\d*\.)?\d*rem);", re.MULTILINE)
    found = {path: off.findall(text) for path, text in sources().items() if path.endswith(".css")}
    assert not {path: names for path, names in found.items() if names}


def test_the_first_load_is_small(built: Path) -> None:
    page = (built / "index.html").read_text("utf-8")
    wanted = [re.search(r'src="/(assets/index-[^"]+\.js)"', page).group(1)]  # type: ignore[union-attr]
    loaded: dict[str, int] = {}
    while wanted:
        name = wanted.pop()
        if name in loaded:
            continue
        code = (built / name).read_bytes()
        loaded[name] = len(gzip.compress(code))
        statics = re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', code.decode())
        wanted += [f"assets/{name}" for name in statics]
    assert len(loaded) > 1
    assert sum(loaded.values()) <= FIRST_LOAD


def test_the_server_names_all_that_the_page_may_load(site: Site) -> None:
    answer = httpx.get(site.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"img-src 'self' blob: {site.stack.api_url};" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    script = re.search(r"/assets/index-[^\"]+\.js", answer.text).group()  # type: ignore[union-attr]
    assert "immutable" in httpx.get(f"{site.url}{script}").headers["cache-control"]
    assert httpx.get(f"{site.url}/assets/missing.js").status_code == 404
    assert httpx.get(f"{site.url}/some/place").text == answer.text
