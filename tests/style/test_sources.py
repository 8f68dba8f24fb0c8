"""Every source looks as a reader expects: header, attributes, grants, one object a file."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import PurePosixPath

import pytest

from scripts.build_migrations import Source, read_sources
from tests.support.sources import Made, all_made, blank, find_made
from tests.support.stacks import ROOT

SOURCES = read_sources()
MADE = all_made()
FUNCTIONS = [made for made in MADE if made.kind == "function"]
POLICIES = [made for made in MADE if made.kind == "policy"]

WIDTH = 100
API_ROLES = "public, anon, authenticated, service_role"
# Functions that may build SQL at run time, each with its reason.
MAY_EXECUTE: dict[str, str] = {}
# PostgREST and poolers retry these, or drop the connection: a rule of ours must never look so.
# One counts every fault of ours, the other lets no sign-in fail; both say what it was.
MAY_CATCH_ALL = {"apply_event", "clean_up_at_sign_in"}
RETRIED = re.compile(r"\b(40001|40P01|42P05|503)\b")
# Attributes in the order of the house, between the arguments and the body.
ATTRIBUTES = re.compile(
    r"\)\s+returns\s.+?\s+language\s+(?:sql|plpgsql)"
    r"(?:\s+(?:stable|immutable|volatile))?(?:\s+strict|\s+parallel\s+\w+|\s+leakproof|\s+rows\s+\d+)*"
    r"\s+security\s+(?:invoker|definer)"
    r"\s+set\s+search_path\s*=\s*''(?:\s+set\s+\w+\s*=\s*\S+)*\s+as\s",
    re.DOTALL,
)
WRITTEN = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from)\s+(?:public|private|(?=realtime\.))"
    r"\.?(?P<table>\w+(?:\.\w+)?)"
)
# What a header says behind `Writes:` or `Locks, writes:`, up to the next label.
WRITES = re.compile(
    r"\b[Ww]rites: (?P<text>.*?)(?=\n\n|\n?\b[A-Z][a-z]+: |\nReturns |\Z)", re.DOTALL
)
RAISES = re.compile(r"\bprivate\.raise_\w+\s*\(|\braise\s+(?:sqlstate|exception)\b")

# Written in pieces, so that this file does not hold them.
FORBIDDEN = {
    "a folder of the workplace": "shared" + "/",
    "a path of one machine": "/" + "work/",
    "a registry": "pypi" + ".org",
    "another registry": "registry" + ".npmjs",
}
ISSUE_NUMBER = re.compile(r"\bissue" + r" #?\d", re.IGNORECASE)


def by_path(source: Source) -> str:
    return source.path


def by_name(made: Made) -> str:
    return f"{made.source.path}:{made.name}"


every_source = pytest.mark.parametrize("source", SOURCES, ids=by_path)
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
every_policy = pytest.mark.parametrize("policy", POLICIES, ids=by_name)


def stem(source: Source) -> str:
    return PurePosixPath(source.path).stem


def area(source: Source) -> str:
    return PurePosixPath(source.path).parent.name


def header(text: str) -> str:
    """The comment right above a statement, or at the top of a file."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line[2:].strip())
    return "\n".join(lines)


def comment_above(function: Made) -> str:
    """The comment that ends where the function begins."""
    before = function.source.text[: definition_start(function)].rstrip("\n").splitlines()
    lines: list[str] = []
    while before and before[-1].startswith("--"):
        lines.insert(0, before.pop()[2:].strip())
    return "\n".join(lines)


def definition_start(function: Made) -> int:
    found = re.search(
        rf"create or replace function {re.escape(function.name)}\s*\(", function.source.text
    )
    assert found, f"{function.name} is not made by `create or replace function`"
    return found.start()


def definition(function: Made) -> str:
    """The text of one function without comments, from `create` to the end of its body."""
    text = blank(function.source.text, "comment")[definition_start(function) :]
    end = re.search(r"\$\w*\$.*?\$\w*\$\s*;", text, re.DOTALL)
    assert end, f"{function.name} has no dollar-quoted body"
    return text[: end.end()]


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 20
    assert FUNCTIONS
    assert POLICIES


@every_source
def test_a_source_begins_with_a_sentence(source: Source) -> None:
    said = header(source.text)
    assert re.match(r"[A-Z`].*[.;:,]?", said), "begin the file with what it is for"
    assert "." in said, "the header is a sentence"


@every_source
def test_a_source_is_lowercase_and_fits_the_page(source: Source) -> None:
    assert not re.search(r"[A-Z]", blank(source.text, "comment", "string", "quoted"))
    assert [line for line in source.text.splitlines() if len(line) > WIDTH] == []
    assert not re.search(r"\t|[ ]+$", source.text, re.MULTILINE)
    assert source.text.endswith("\n")


@every_source
def test_a_source_makes_what_its_name_says(source: Source) -> None:
    made, name = find_made(source), stem(source)
    kinds = [one.kind for one in made]
    if kinds and set(kinds) == {"policy"}:
        tables = {one.table for one in made}
        assert tables in ({f"public.{name}"}, {name.replace("_", ".", 1)}), "one table a file"
    elif "trigger" in kinds:
        assert [(one.kind, one.name) for one in made] == [
            ("function", f"private.{name}"),
            ("trigger", name),
        ]
    elif kinds == ["view"]:
        assert made[0].name == f"private.{name}"
    elif not area(source).endswith("_data"):
        names = [one.name for one in made]
        assert set(kinds) == {"function"}
        assert names in ([f"private.{name}"], [f"private.{name}", f"public.{name}"]), (
            "a helper, or a worker with its door right under it"
        )


@every_source
def test_applying_a_source_twice_is_planned_for(source: Source) -> None:
    code = blank(source.text, "comment", "string", "body")
    # A trigger on a table of the platform can be replaced by us, but not dropped.
    assert not re.search(r"\bcreate\s+(?:function|view|trigger)\b", code), "create or replace"
    for made in find_made(source):
        if made.kind == "policy":
            drop = rf"drop policy if exists {made.name} on {made.table};\s*create policy"
            assert re.search(drop, code), "drop policy if exists, right above"


@every_source
def test_an_error_that_clients_see_is_in_the_header(source: Source) -> None:
    if RAISES.search(blank(source.text, "comment", "string")):
        assert re.search(r"^-- Errors: ", source.text, re.MULTILINE)


@every_source
def test_nothing_is_raised_that_others_would_retry(source: Source) -> None:
    assert not RETRIED.search(blank(source.text, "comment"))


@every_source
def test_no_error_is_swallowed_and_no_sql_is_built(source: Source) -> None:
    code = blank(source.text, "comment", "string")
    assert not re.search(r"\bothers\b", code) or stem(source) in MAY_CATCH_ALL
    built = re.search(r"(?<!grant )\bexecute\b(?!\s+(?:function|on function)\b)", code)
    assert built is None or stem(source) in MAY_EXECUTE


@every_function
def test_a_function_states_its_attributes_in_order(function: Made) -> None:
    assert ATTRIBUTES.search(definition(function)), (
        "returns, language, volatility, security, set search_path = '', as"
    )


@every_function
def test_a_definer_lives_in_private_and_says_why(function: Made) -> None:
    if re.search(r"\bsecurity\s+definer\b", blank(definition(function), "string", "body")):
        assert function.name.startswith("private.")
        assert re.search(r"^Definer: ", comment_above(function), re.MULTILINE)


@every_function
def test_a_function_names_the_tables_that_it_writes(function: Made) -> None:
    written = {found["table"] for found in WRITTEN.finditer(blank(definition(function), "string"))}
    promised = " ".join(found["text"] for found in WRITES.finditer(comment_above(function)))
    missing = {table for table in written if not re.search(rf"\b{table}\b", promised)}
    assert missing == set(), "name them in the header's `Writes:`"


@every_function
def test_every_rpc_is_called_in_a_test_of_its_area(function: Made) -> None:
    if not function.name.startswith("public."):
        return
    folder = ROOT / "tests" / area(function.source).partition("_")[2]
    call = f'"{stem(function.source)}"'
    assert any(call in path.read_text("utf-8") for path in folder.glob("test_*.py")), (
        f"no test in tests/{folder.name} names {call}"
    )


@every_function
def test_a_door_is_one_call_of_its_worker(function: Made) -> None:
    if not function.name.startswith("public."):
        return
    body = definition(function)
    worker = function.name.replace("public.", "private.", 1)
    assert re.search(r"\blanguage\s+sql\b", body)
    assert len(re.findall(r"\bprivate\.\w+\s*\(", body)) == 1
    assert re.search(rf"\b{re.escape(worker)}\s*\(", body)
    assert comment_above(function).startswith("RPC: ")


@every_function
def test_a_function_is_followed_by_its_whole_acl(function: Made) -> None:
    code = " ".join(blank(function.source.text, "comment", "string", "body").split())
    name = re.escape(function.name)
    acl = rf"; revoke all on function {name} ?\([^)]*\) from {API_ROLES};"
    assert len(re.findall(acl, code)) == 1


@pytest.mark.parametrize("view", [made for made in MADE if made.kind == "view"], ids=by_name)
def test_a_view_is_followed_by_its_whole_acl(view: Made) -> None:
    code = " ".join(blank(view.source.text, "comment", "string").split())
    assert f"; revoke all on {view.name} from {API_ROLES};" in code


@every_policy
def test_a_policy_names_its_table_command_and_role(policy: Made) -> None:
    code = " ".join(blank(policy.source.text, "comment").split())
    found = re.search(rf"create policy {policy.name} on \S+ for (\w+) to (\w+)", code)
    assert found, "for <command> to <role>"
    assert policy.name.startswith(f"{stem(policy.source)}_{found[1]}_")
    assert not re.search(r"(?<!select )\bauth\.\w+\(", code), "(select auth.uid()), once a query"


def project_files() -> list[str]:
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in answer.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_speaks_of_the_workplace() -> None:
    told = []
    for name in project_files():
        try:
            text = (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue
        told += [f"{name}: {what}" for what, word in FORBIDDEN.items() if word in text]
        told += [f"{name}: an issue's number"] if ISSUE_NUMBER.search(text) else []
    assert told == []


def test_the_node_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / "tests" / "node" / "package-lock.json").read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_the_page_of_scripts_names_every_script() -> None:
    page = (ROOT / "scripts" / "README.md").read_text("utf-8")
    scripts = {path.stem for path in (ROOT / "scripts").iterdir() if path.name[0] not in "._"}
    missing = {name for name in scripts if not re.search(rf"\b{re.escape(name)}\b", page)}
    assert missing == {"README"}
