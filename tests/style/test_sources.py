"""Every source looks as a reader expects. Each rule lists all the places that break it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from scripts.build.build_migrations import Source, read_sources
from tests.support.project import project_files
from tests.support.sources import RELATIONSHIPS, Made, all_made, blank, find_made
from tests.support.stacks import ROOT

SOURCES = read_sources()
MADE = all_made()
FUNCTIONS = [made for made in MADE if made.kind == "function"]
POLICIES = [made for made in MADE if made.kind == "policy"]

WIDTH = 100
# Functions that may build SQL at run time, each with its reason.
MAY_EXECUTE: dict[str, str] = {}
# One counts every fault of ours, the other lets no sign-in fail; both say what it was.
MAY_CATCH_ALL = {"private.apply_event", "private.clean_up_at_sign_in"}
# PostgREST and poolers retry these, or drop the connection: a rule of ours must never look so.
RETRIED = re.compile(r"\b(40001|40P01|42P05|503)\b")
# Attributes in the order of the house, between the arguments and the body. Invoker is the default.
# Which functions need no search_path is a question for tests/security/test_grants.py.
ATTRIBUTES = re.compile(
    r"\)\s+returns\s.+?\s+language\s+(?:sql|plpgsql)"
    r"(?:\s+(?:stable|immutable|volatile))?(?:\s+strict|\s+parallel\s+\w+|\s+leakproof|\s+rows\s+\d+)*"
    r"(?:\s+security\s+definer)?"
    r"(?:\s+set\s+search_path\s*=\s*'')?(?:\s+set\s+\w+\s*=\s*\S+)*\s+as\s",
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


def sources_where(breaks: Callable[[Source], object]) -> list[str]:
    """The sources for which the rule says anything."""
    return [source.path for source in SOURCES if breaks(source)]


def functions_where(breaks: Callable[[Made], object]) -> list[str]:
    """The functions for which the rule says anything, with their source."""
    return [f"{made.source.path}: {made.name}" for made in FUNCTIONS if breaks(made)]


def doors() -> Iterable[Made]:
    return (
        made
        for made in FUNCTIONS
        if made.name.startswith("public.") and made.source.path != RELATIONSHIPS
    )


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 20
    assert FUNCTIONS
    assert POLICIES


def test_a_source_begins_with_a_sentence() -> None:
    def breaks(source: Source) -> bool:
        said = header(source.text)
        return not re.match(r"[A-Z`]", said) or "." not in said

    assert sources_where(breaks) == []


def test_a_source_is_lowercase_and_fits_the_page() -> None:
    def breaks(source: Source) -> bool:
        code = blank(source.text, "comment", "string", "quoted")
        return bool(
            re.search(r"[A-Z]", code)
            or any(len(line) > WIDTH for line in source.text.splitlines())
            or re.search(r"\t|[ ]+$", source.text, re.MULTILINE)
            or not source.text.endswith("\n")
        )

    assert sources_where(breaks) == []


def test_a_policy_file_is_about_one_table_and_a_trigger_about_its_name() -> None:
    def breaks(source: Source) -> bool:
        made, name = find_made(source), stem(source)
        kinds = {one.kind for one in made}
        if kinds == {"policy"}:
            tables = {one.table for one in made}
            return tables not in (
                {f"public.{name}"},
                {f"private.{name}"},
                {name.replace("_", ".", 1)},
            )
        triggers = {one.name for one in made if one.kind == "trigger"}
        functions = {one.name.removeprefix("private.") for one in made if one.kind == "function"}
        return not triggers <= functions

    assert sources_where(breaks) == []


def test_an_rpc_is_found_by_its_name_or_beside_the_one_it_shares_a_body_with() -> None:
    def breaks(source: Source) -> bool:
        names = {one.name for one in find_made(source) if one.kind == "function"}
        public = {
            name for name in names if name.startswith("public.") and source.path != RELATIONSHIPS
        }
        workers = {name.replace("public.", "private.", 1) for name in public}
        return not workers <= names

    assert sources_where(breaks) == []


def test_applying_a_source_twice_is_planned_for() -> None:
    def breaks(source: Source) -> Iterator[bool]:
        code = blank(source.text, "comment", "string", "body")
        # A trigger on a table of the platform can be replaced by us, but not dropped.
        yield bool(re.search(r"\bcreate\s+(?:function|view|trigger)\b", code))
        for made in find_made(source):
            if made.kind == "policy":
                drop = rf"drop policy if exists {made.name} on {made.table};\s*create policy"
                yield not re.search(drop, code)

    assert sources_where(lambda source: any(breaks(source))) == []


def test_an_error_that_clients_see_is_in_the_header() -> None:
    def breaks(source: Source) -> bool:
        raises = RAISES.search(blank(source.text, "comment", "string"))
        return bool(raises) and not re.search(r"^-- Errors: ", source.text, re.MULTILINE)

    assert sources_where(breaks) == []


def test_nothing_is_raised_that_others_would_retry() -> None:
    assert sources_where(lambda source: RETRIED.search(blank(source.text, "comment"))) == []


def test_no_error_is_swallowed_and_no_sql_is_built() -> None:
    def breaks(function: Made) -> bool:
        code = blank(definition(function), "string")
        catches = re.search(r"\bwhen\s+others\b", code) and function.name not in MAY_CATCH_ALL
        builds = re.search(r"\bexecute\b(?!\s+function\b)", code)
        return bool(catches or (builds and function.name not in MAY_EXECUTE))

    assert functions_where(breaks) == []


def test_a_function_states_its_attributes_in_order() -> None:
    """Returns, language, volatility, definer where it is one, `set search_path = ''`, as."""

    def breaks(function: Made) -> bool:
        return not ATTRIBUTES.search(definition(function))

    assert functions_where(breaks) == []


def test_nothing_is_revoked_that_nobody_was_granted() -> None:
    def breaks(source: Source) -> bool:
        code = blank(source.text, "comment", "string", "body")
        return bool(re.search(r"\brevoke\s+all\s+on\s+function\b", code))

    assert sources_where(breaks) == []


def test_a_definer_lives_in_private_and_says_why() -> None:
    def breaks(function: Made) -> bool:
        code = blank(definition(function), "string", "body")
        if not re.search(r"\bsecurity\s+definer\b", code):
            return False
        says = re.search(r"^Definer: ", comment_above(function), re.MULTILINE)
        return not (function.name.startswith("private.") and says)

    assert functions_where(breaks) == []


def test_a_function_names_the_tables_that_it_writes() -> None:
    def breaks(function: Made) -> bool:
        code = blank(definition(function), "string")
        written = {found["table"] for found in WRITTEN.finditer(code)}
        promised = " ".join(found["text"] for found in WRITES.finditer(comment_above(function)))
        return any(not re.search(rf"\b{table}\b", promised) for table in written)

    assert functions_where(breaks) == []


def test_every_rpc_is_called_in_a_test_of_its_area() -> None:
    untested = []
    for door in doors():
        folder = ROOT / "tests" / area(door.source).partition("_")[2]
        call = f'"{door.name.removeprefix("public.")}"'
        if not any(call in path.read_text("utf-8") for path in folder.glob("test_*.py")):
            untested.append(f"no test in tests/{folder.name} names {call}")
    assert untested == []


def test_a_door_is_one_call_of_its_worker() -> None:
    def breaks(door: Made) -> bool:
        body = definition(door)
        worker = door.name.replace("public.", "private.", 1)
        return not (
            re.search(r"\blanguage\s+sql\b", body)
            and len(re.findall(r"\bprivate\.\w+\s*\(", body)) == 1
            and re.search(rf"\b{re.escape(worker)}\s*\(", body)
            and comment_above(door).startswith("RPC: ")
        )

    assert [door.name for door in doors() if breaks(door)] == []


def test_a_policy_names_its_table_command_and_role() -> None:
    def breaks(policy: Made) -> bool:
        code = " ".join(blank(policy.source.text, "comment").split())
        found = re.search(rf"create policy {policy.name} on \S+ for (\w+) to (\w+)", code)
        return not (
            found
            and policy.name.startswith(f"{stem(policy.source)}_{found[1]}_")
            # (select auth.uid()), once a query
            and not re.search(r"(?<!select )\bauth\.\w+\(", code)
        )

    assert [policy.name for policy in POLICIES if breaks(policy)] == []


def test_no_file_speaks_of_the_workplace() -> None:
    told = []
    for path in project_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        name = path.relative_to(ROOT).as_posix()
        told += [f"{name}: {what}" for what, word in FORBIDDEN.items() if word in text]
        told += [f"{name}: an issue's number"] if ISSUE_NUMBER.search(text) else []
    assert told == []


def test_the_node_locks_name_no_registry() -> None:
    locks = [path for path in project_files(".json") if path.name == "package-lock.json"]
    assert locks
    for path in locks:
        packages = json.loads(path.read_text("utf-8"))["packages"]
        assert [name for name, package in packages.items() if "resolved" in package] == []


def test_the_page_of_scripts_names_every_script() -> None:
    page = (ROOT / "scripts" / "README.md").read_text("utf-8")
    scripts = {path.stem for path in (ROOT / "scripts").iterdir() if path.name[0] not in "._"}
    missing = {name for name in scripts if not re.search(rf"\b{re.escape(name)}\b", page)}
    assert missing - {"README"} == set()
