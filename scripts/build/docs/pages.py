"""Writes the generated pages docs/API.md and docs/ERRORS.md, and tables inside other pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from scripts.build.docs.catalog import Catalog, Function, Relation, labelled
from scripts.build.docs.markdown import table
from scripts.build.docs.raised import Raised, codes_in, find_raised, find_reachable
from scripts.build.docs.shapes import render_answer, render_events, render_shapes

PARTS = Path(__file__).parents[3] / "docs" / "parts"
# What stands for a sentence that is composed while it is raised.
OTHER = "The sentence says which case it is."
NOTE = "<!-- Written by scripts/build/render_docs.py from supabase/functions_sql: edit there. -->"
BLOCK = re.compile(
    r"(?P<open><!-- generated: (?P<name>\w+) -->\n).*?(?P<close><!-- end -->)", re.DOTALL
)


def render_api(catalog: Catalog, parts: Path = PARTS) -> str:
    """The page of RPCs, shapes, readable tables and topics.

    Args:
        catalog: what to describe.
        parts: the folder of the hand-written sections `calls.md` and `realtime.md`.
    """
    raised = find_raised(catalog.functions)
    reachable = find_reachable(catalog.functions)
    known = {one.code for one in raised}
    workers = {one.name: one for one in catalog.functions if one.schema == "private"}
    sections = [
        NOTE,
        "# API",
        "What clients call, read and hear, and what operators and the app call. Every write goes "
        "through a function below. Argument names are JSON keys; an argument with `=` may be left "
        "out. [ERRORS.md](ERRORS.md) explains the errors.",
        *_at_a_glance(catalog),
        (parts / "app.md").read_text("utf-8").strip(),
        (parts / "calls.md").read_text("utf-8").strip(),
    ]
    for area, doors in groupby(catalog.doors, key=lambda one: one.path.split("/")[0]):
        sections.append(f"## {area.split('_', 1)[1].replace('_', ' ').capitalize()}")
        for door in doors:
            sections += _door(door, workers[door.name], known, _codes(door, raised, reachable))
    sections += ["## Shapes", "What several answers and events are made of.", *render_shapes()]
    sections += [
        "## Tables",
        "Clients may select these, and nobody may write them: row-level security shows each "
        "reader their own rows.",
    ]
    readable = [one for one in catalog.relations if one.schema == "public" and one.readers]
    for relation in readable:
        sections += _relation(relation.name, relation)
    sections.append((parts / "realtime.md").read_text("utf-8").strip())
    sections += render_events()
    return "\n\n".join(sections) + "\n"


def _at_a_glance(catalog: Catalog) -> Iterable[str]:
    """A table of functions for each audience."""
    audiences = (
        ("For clients", {"authenticated"}),
        ("For operators", {"authenticated", "service_role"}),
        ("For the app and other services", {"service_role"}),
    )
    for title, roles in audiences:
        doors = [door for door in catalog.doors if set(door.roles) == roles]
        yield f"## {title}"
        yield table(
            ("function", "what it does"),
            ((f"[`{door.name}`](#{door.name})", _purpose(door)) for door in doors),
        )


def render_errors(
    catalog: Catalog, refusals: Mapping[str, Sequence[str]], parts: Path = PARTS
) -> str:
    """The page of error codes.

    Args:
        catalog: what to describe.
        refusals: the sentences with which guards refuse, by code.
        parts: the folder of the hand-written section `errors.md`.
    """
    raised = [
        replace(one, sentence=one.sentence or " / ".join(refusals.get(one.code, [OTHER])))
        for one in find_raised(catalog.functions)
    ]
    reachable = find_reachable(catalog.functions)
    answers = {door.name: set(_codes(door, raised, reachable)) for door in catalog.doors}
    sections = [
        NOTE,
        "# Errors",
        (parts / "errors.md").read_text("utf-8").strip(),
        "## All codes",
        table(
            ("status", "code", "details"),
            (
                (str(status), f"[`{code}`](#{code.lower()})", _keys(ways))
                for (status, code), ways in _by_code(raised)
            ),
        ),
    ]
    for (status, code), ways in _by_code(raised):
        doors = [f"[`{name}`](API.md#{name})" for name in answers if code in answers[name]]
        sections += [
            f"## {code}",
            f"HTTP {status}. `details`: {_keys(ways) or 'none'}.",
            _ways(ways),
            f"Answered by: {', '.join(doors) or 'no function that clients call'}.",
        ]
    return "\n\n".join(sections) + "\n"


def fill_blocks(page: str, blocks: Mapping[str, str]) -> str:
    """Replace what stands between `<!-- generated: name -->` and `<!-- end -->` in a page."""
    return BLOCK.sub(lambda found: found["open"] + blocks[found["name"]] + found["close"], page)


def security_blocks(catalog: Catalog) -> dict[str, str]:
    """The generated tables of docs/SECURITY.md: `definers` and `readers`."""
    definers = [one for one in catalog.functions if one.is_definer]
    roles = ("anon", "authenticated", "service_role")
    readable = [one for one in catalog.relations if one.readers]
    return {
        "definers": table(
            ("function", "run by", "why"),
            (
                (
                    f"`{one.full_name}`",
                    ", ".join(one.roles),
                    _reason(one),
                )
                for one in definers
            ),
        )
        + "\n",
        "readers": table(
            ("table", *roles),
            (
                (f"`{one.full_name}`", *("select" if role in one.readers else "" for role in roles))
                for one in readable
            ),
        )
        + "\n",
    }


def operations_blocks(catalog: Catalog) -> dict[str, str]:
    """The generated table of docs/OPERATIONS.md: `settings`."""
    rows = ((f"`{one.key}`", f"`{one.default}`", one.description) for one in catalog.settings)
    return {"settings": table(("key", "default", "what"), rows) + "\n"}


def _reason(definer: Function) -> str:
    """The first sentence of the header's `Definer:` paragraph."""
    return _upper(re.split(r"(?<=\.) ", labelled(definer.header, "Definer"))[0])


def _purpose(door: Function) -> str:
    return _upper(" ".join(door.header.removeprefix("RPC: ").split()))


def _door(door: Function, worker: Function, known: set[str], codes: Sequence[str]) -> Iterable[str]:
    lines = [
        f"  {one.name} {_type(one.type)}"
        + (f" = {one.default.replace('NULL', 'null')}" if one.default else "")
        for one in door.arguments
    ]
    inside = "\n" + ",\n".join(lines) + "\n" if lines else ""
    errors = labelled(worker.header, "Errors")
    more = [code for code in codes if code not in codes_in(errors)]
    if more:
        names = ", ".join(more)
        errors += f" By what it calls: {names}." if errors else f"{names}."
    yield f"### {door.name}"
    yield f"```\n{door.name}({inside}) returns {door.result.lower()}\n```"
    yield f"{_purpose(door)} For: {', '.join(door.roles)}."
    about = _about(worker.header)
    if about:
        yield about
    yield from render_answer(door.name)
    if errors:
        yield f"Errors: {_link_codes(errors, known)}"


def _about(header: str) -> str:
    """The header's own paragraphs, without those for the people who maintain the function."""
    kept: list[str] = []
    keep = True
    for line in header.splitlines():
        if re.match(r"(Definer|Locks|Writes|Errors|Events|Source)\b[a-z, ]*: ", line):
            keep = False
        elif not line or re.match(r"(Args: |Returns )", line):
            keep = True
        if keep:
            kept.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _codes(
    door: Function, raised: Iterable[Raised], reachable: Mapping[str, set[str]]
) -> list[str]:
    """The codes that a door can answer, those that everybody meets first."""
    names = {name.split(".")[1] for name in reachable[door.full_name]}
    return list(dict.fromkeys(one.code for one in raised if one.function in names))


def _link_codes(text: str, known: set[str]) -> str:
    pattern = re.compile(r"\b(" + "|".join(sorted(known, key=len, reverse=True)) + r")\b(?![`:])")
    return pattern.sub(lambda found: f"[{found[1]}](ERRORS.md#{found[1].lower()})", text)


def _relation(title: str, relation: Relation) -> Iterable[str]:
    header = " ".join(relation.header.split("\n\n")[0].split())
    readers = f"For: {', '.join(relation.readers)}." if relation.readers else ""
    yield f"### {title}"
    yield " ".join(part for part in (relation.comment, header, readers) if part)
    yield table(
        ("column", "type", "meaning"),
        (
            # The columns of a view are nullable as far as the catalog knows.
            (
                f"`{one.name}`",
                _type(one.type, one.is_nullable and not relation.is_view),
                one.comment,
            )
            for one in relation.columns
        ),
    )


def _type(name: str, is_nullable: bool = False) -> str:
    short = name.replace("timestamp with time zone", "timestamptz")
    return f"{short} or null" if is_nullable else short


def _by_code(raised: Sequence[Raised]) -> list[tuple[tuple[int, str], list[Raised]]]:
    return [(key, list(ways)) for key, ways in groupby(raised, lambda one: (one.status, one.code))]


def _keys(ways: Iterable[Raised]) -> str:
    keys = dict.fromkeys(key for one in ways for key, _ in one.details)
    return f"`{{{', '.join(keys)}}}`" if keys else ""


def _ways(ways: Iterable[Raised]) -> str:
    """A line for each sentence and what comes with it, naming all functions that say it."""
    lines: dict[str, list[str]] = {}
    for one in ways:
        values = ", ".join(f'{key}: "{value}"' for key, value in one.details if value is not None)
        said = [
            one.sentence,
            f"Hint: {one.hint}" if one.hint else "",
            f"`{{{values}}}`" if values else "",
            f"({one.when})" if one.when else "",
        ]
        lines.setdefault(" ".join(part for part in said if part), []).append(one.function)
    return "\n".join(
        f"- {text} From {', '.join(f'`{name}`' for name in dict.fromkeys(names))}."
        for text, names in lines.items()
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
