"""Pages for people say what is so: generated ones are in step, links and paths lead somewhere."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.build.build_migrations import read_sources
from scripts.build.docs.catalog import Catalog, labelled, read_catalog
from scripts.build.docs.pages import PARTS
from scripts.build.docs.raised import codes_in, find_calls, find_raised, find_reachable
from scripts.build.render_docs import DOCS, find_stale, render_pages
from tests.support.databases import Database, copied_database
from tests.support.project import project_files
from tests.support.stacks import ROOT, Cluster

# The contract with clients: the codes that functions may answer with, by HTTP status. A change is
# a "Client change:" line in the changelog.
CONTRACT = {
    401: {"AUTH_REQUIRED"},
    402: {"INSUFFICIENT_POINTS", "POINTS_LIMIT"},
    403: {"BLOCKED", "FORBIDDEN"},
    404: {
        *("CONVERSATION_NOT_FOUND", "MESSAGE_NOT_FOUND", "USER_NOT_FOUND"),
        *("BID_NOT_FOUND", "CAMPAIGN_NOT_FOUND"),
    },
    409: {
        *("FLOW_STATE_INVALID", "NOT_YOUR_TURN", "ACTION_ALREADY_COMPLETED", "VERSION_CONFLICT"),
        *("GUARD_FAILED", "PRICE_CHANGED", "BID_OWNER_MISMATCH", "CHAT_CLOSED"),
        *("EXPIRATION_NOT_ALLOWED", "POINTS_COST_MISMATCH", "PAYMENT_NOT_READY"),
        *("PAYMENT_ALREADY_DONE", "REVISION_LIMIT", "NEGOTIATION_LIMIT", "FUNDS_HELD"),
        *("IDEMPOTENCY_MISMATCH", "PROFILE_INCOMPLETE", "PROFILE_LOCKED"),
        *("BID_CLOSED", "CAMPAIGN_CLOSED", "DEAL_IS_OPEN"),
    },
    422: {
        *("ACTION_UNKNOWN", "INPUT_INVALID", "PRICE_UNPARSEABLE", "PRICE_OUT_OF_RANGE"),
        *("SELF_CONVERSATION", "MESSAGE_EMPTY", "MESSAGE_TOO_LONG", "MEDIA_INVALID"),
        *("EXPIRATION_INVALID", "FLOW_UNSOUND"),
    },
    429: {"RATE_LIMITED"},
}

SQL_BLOCK = re.compile(r"^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")
# A word in backticks is a path when it has a known ending, or begins with a folder of ours.
PATH = re.compile(r"(?:\./)?[\w.-]+(?:/[\w.-]+)*/?")
FILE = re.compile(r"\.(?:py|sql|md|toml|sh|mjs|jsonl)$")
TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)(?:::(?P<name>\w+))?`")
THREAT = re.compile(r"^\| (?P<id>T-\d\d) \|(?P<rest>.*)\|$", re.MULTILINE)


PAGES = project_files(".md")
READMES = [path for path in PAGES if path.name in ("README.md", "CONTRIBUTING.md")]


def by_place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=by_place)


@pytest.fixture(scope="module")
def project(cluster: Cluster, limited_template: str) -> Iterator[Database]:
    """A database with the sources and the settings of a new project, for tests that only look."""
    with copied_database(cluster, limited_template) as database:
        yield database


@pytest.fixture(scope="module")
def catalog(project: Database) -> Catalog:
    """What the sources make."""
    return read_catalog(project.dsn(), read_sources())


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return FENCED.sub("", page.read_text("utf-8"))


@cache
def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    texts = (heading["text"].lower() for heading in HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


def leads_somewhere(word: str, page: Path) -> bool:
    """Whether a word in backticks names a file or folder, seen from the page or from above it."""
    if "/" not in word:
        return any(path.name == word for path in project_files())
    folders = [folder for folder in page.parents if folder.is_relative_to(ROOT)]
    # Pages about the sources and about tests of them name both by their place there.
    folders += [ROOT / "supabase" / "functions_sql", ROOT / "scripts" / "dev" / "local_supabase"]
    return any((folder / word).exists() for folder in folders)


def named_paths(page: Path) -> Iterator[str]:
    """The words in backticks that look like paths of the repository."""
    own = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for quoted in QUOTED.finditer(prose(page)):
        word = quoted[1].split()[0]
        if PATH.fullmatch(word):
            in_ours = "/" in word and word.removeprefix("./").split("/")[0] in own
            if FILE.search(word) or in_ours:
                yield word


def test_the_generated_pages_are_in_step_with_the_sources(project: Database) -> None:
    assert find_stale(render_pages(project.dsn())) == []


def test_every_rpc_has_a_row_and_a_section(catalog: Catalog) -> None:
    page = (DOCS / "API.md").read_text("utf-8")
    assert catalog.doors
    for door in catalog.doors:
        assert page.count(f"\n| [`{door.name}`](#{door.name}) |") == 1
        assert page.count(f"\n### {door.name}\n") == 1
        for argument in door.arguments:
            assert re.search(rf"\n  {argument.name} ", page)


def test_every_code_that_is_raised_is_in_the_contract_and_on_the_page(catalog: Catalog) -> None:
    page = (DOCS / "ERRORS.md").read_text("utf-8")
    raised = {(one.status, one.code) for one in find_raised(catalog.functions)}
    assert raised
    assert (
        raised - {(status, code) for status, codes in CONTRACT.items() for code in codes} == set()
    )
    for status, code in raised:
        assert f"\n## {code}\n\nHTTP {status}. " in page


def test_no_code_in_the_text_of_a_source_is_overlooked(catalog: Catalog) -> None:
    known = {one.code for one in find_raised(catalog.functions)}
    contract = set().union(*CONTRACT.values())
    quoted = {
        (function.path, found[1])
        for function in catalog.functions
        for found in re.finditer(r"raise_error\(\s*'([A-Z_]+)'", function.body)
    }
    assert quoted
    assert {code for _, code in quoted} <= known
    said = {code for one in catalog.functions for code in codes_in(labelled(one.header, "Errors"))}
    assert said <= known & contract


def test_a_header_promises_no_error_that_cannot_happen(catalog: Catalog) -> None:
    raised, reachable = find_raised(catalog.functions), find_reachable(catalog.functions)
    promised = [
        f"{function.full_name} never raises {code}"
        for function in catalog.functions
        for code in codes_in(labelled(function.header, "Errors"))
        if not function.name.startswith("raise_")
        and not any(
            one.code == code and f"private.{one.function}" in reachable[function.full_name]
            for one in raised
        )
    ]
    assert promised == []


def test_every_event_that_is_broadcast_is_described(catalog: Catalog) -> None:
    page = (PARTS / "realtime.md").read_text("utf-8")
    sent = {
        arguments[0].strip("'")
        for function in catalog.functions
        for arguments in find_calls(function.body, "private.broadcast")
        if re.fullmatch(r"'\w+'", arguments[0])
    }
    for function in catalog.functions:
        sent.update(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", event_names(function.header)))
    assert {"new_message", "message_seen"} <= sent
    assert [event for event in sorted(sent) if f"`{event}`" not in page] == []


def event_names(header: str) -> str:
    """What a header lists behind `Events:`, without payloads."""
    return labelled(header, "Events").split("`")[0].split(";")[0]


def test_the_security_page_names_tests_that_exist() -> None:
    page = (DOCS / "SECURITY.md").read_text("utf-8")
    threats = list(THREAT.finditer(page))
    assert [found["id"] for found in threats] == [f"T-{n + 1:02}" for n in range(len(threats))]
    assert threats
    for threat in threats:
        tests = list(TEST.finditer(threat["rest"]))
        assert tests, f"{threat['id']} names no test"
        for test in tests:
            path = ROOT / test["file"]
            assert path.is_file(), f"{threat['id']}: {test['file']} is not there"
            if test["name"]:
                assert f"def {test['name']}(" in path.read_text("utf-8"), (
                    f"{threat['id']}: {test[0]}"
                )


def test_the_sql_of_the_operators_page_runs(limited_db: Database) -> None:
    asha, bharat = limited_db.create_user("Asha"), limited_db.create_user("Bharat")
    with limited_db.signed_in_as(asha):
        made = limited_db.call("direct_connect", target_user_id=bharat, initial_message="Hello")
    values = {
        "user_id": asha,
        "conversation_id": made["conversation"]["conversation_id"],
        "card_id": uuid.uuid4(),
        "from": "2027-01-01",
        "until": "2027-01-02",
    }
    blocks = SQL_BLOCK.findall((DOCS / "OPERATIONS.md").read_text("utf-8"))
    assert blocks
    for block in blocks:
        for statement in filter(str.strip, block.split(";\n")):
            text = re.sub(r":'(\w+)'", lambda found: f"'{values[found[1]]}'", statement)
            answer = limited_db.query(text)
            assert "having" not in text or answer == []


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.finditer(prose(page)):
        if "://" in link["target"] or link["target"].startswith("mailto:"):
            continue
        target = page.parent / link["target"] if link["target"] else page
        if not target.exists():
            broken.append(link["target"])
        elif link["anchor"] and target.suffix == ".md" and link["anchor"] not in anchors(target):
            broken.append(f"{link['target']}#{link['anchor']}")
    assert broken == []


@pytest.mark.parametrize("page", READMES, ids=by_place)
def test_every_path_that_a_readme_names_is_there(page: Path) -> None:
    assert [word for word in named_paths(page) if not leads_somewhere(word, page)] == []


def test_every_folder_of_the_first_row_has_a_readme() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in project_files() if path.parent != ROOT}
    visible = {folder for folder in folders if not folder.startswith(".")}
    assert [name for name in sorted(visible) if not (ROOT / name / "README.md").exists()] == []
