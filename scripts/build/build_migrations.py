"""Turns supabase/functions_sql into migrations: what changed, whole, under a line with its hash.

The newest `-- source: <path> sha256:<hex>` line of a path in supabase/migrations says which text of
that source is deployed, so there is no log to keep in step. Two more lines change that state:
`-- dropped: <path>` stands in a hand-written migration beside the `drop` of a removed source, and
`-- moved: <old path> <new path>` is written here when a file changed its folder but not its text.
The files of a folder in `WHOLE` only mean something together: one that changed brings the others.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.errors import InvalidFunctionDefinition

SUPABASE = Path(__file__).parents[2] / "supabase"
SOURCES = SUPABASE / "functions_sql"
MIGRATIONS = SUPABASE / "migrations"

# Rows that are built up file by file and published by the last one.
WHOLE = frozenset({"80_data"})

VERSION_FORMAT = "%Y%m%d%H%M%S"
NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
VERSION = re.compile(r"[0-9]+(?=_)")
MARKER = re.compile(
    r"^-- (?:source: (?P<path>\S+) sha256:(?P<sha256>[0-9a-f]{64})"
    r"|dropped: (?P<dropped>\S+)"
    r"|moved: (?P<old>\S+) (?P<new>\S+))$",
    re.MULTILINE,
)
HEADER = """\
-- {subject}: built from supabase/functions_sql by scripts/build/build_migrations.py.

-- A function may call one that is created further down.
set check_function_bodies = off;
"""
ADVICE = """
Write a migration that drops the old signature, then build: `create or replace` cannot change it."""


class BuildError(Exception):
    """Something a person has to mend; the text says what is wrong and what to do."""


@dataclass(frozen=True)
class Source:
    """One file of functions_sql; `path` is relative to that folder, with forward slashes."""

    path: str
    text: str

    @property
    def folder(self) -> str:
        """The folder it lies in."""
        return self.path.partition("/")[0]

    @property
    def sha256(self) -> str:
        """The hash that a migration records."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Drift:
    """The differences between the sources and the deployed migrations."""

    changed: list[Source] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)


def read_sources(folder: Path = SOURCES) -> list[Source]:
    """Every source in the order in which it is applied: folder, then file name."""
    paths = sorted(path.relative_to(folder) for path in folder.glob("*/*.sql"))
    return [Source(path.as_posix(), (folder / path).read_text("utf-8")) for path in paths]


def deployed_hashes(folder: Path = MIGRATIONS) -> dict[str, str]:
    """The hash of each source as the migrations leave it, by path."""
    state: dict[str, str] = {}
    for migration in sorted(folder.glob("*.sql")):
        for marker in MARKER.finditer(migration.read_text("utf-8")):
            if marker["path"]:
                state[marker["path"]] = marker["sha256"]
            elif marker["dropped"]:
                state.pop(marker["dropped"], None)
            elif marker["old"] in state:
                state[marker["new"]] = state.pop(marker["old"])
    return state


def find_drift(sources: Sequence[Source], deployed: dict[str, str]) -> Drift:
    """Compare the sources with the deployed hashes."""
    paths = {source.path for source in sources}
    gone = {path: digest for path, digest in deployed.items() if path not in paths}
    drift = Drift()
    for source in sources:
        if deployed.get(source.path) == source.sha256:
            continue
        old = next((path for path, digest in gone.items() if digest == source.sha256), None)
        if source.path not in deployed and old is not None:
            drift.moved[old] = source.path
            del gone[old]
        else:
            drift.changed.append(source)
    drift.vanished.extend(sorted(gone))
    return drift


def complete(drift: Drift, sources: Sequence[Source]) -> Drift:
    """The drift with all the files of each folder that is only applied as a whole."""
    touched = {source.folder for source in drift.changed} & WHOLE
    changed = [source for source in sources if source in drift.changed or source.folder in touched]
    return Drift(changed, drift.moved, drift.vanished)


def next_version(folder: Path, now: datetime) -> str:
    """A version for `now` that is later than every existing one."""
    versions = [found[0] for path in folder.glob("*.sql") if (found := VERSION.match(path.name))]
    newest = max(versions, default="")
    version = now.strftime(VERSION_FORMAT)
    if version > newest:
        return version
    return (datetime.strptime(newest, VERSION_FORMAT) + timedelta(seconds=1)).strftime(
        VERSION_FORMAT
    )


def render_migration(name: str, drift: Drift) -> str:
    """The text of the migration that brings a database to the sources."""
    blocks = [HEADER.format(subject=name.replace("_", " ").capitalize())]
    if drift.moved:
        blocks.append("".join(f"-- moved: {old} {new}\n" for old, new in drift.moved.items()))
    blocks.extend(
        f"-- source: {source.path} sha256:{source.sha256}\n{source.text.rstrip()}\n"
        for source in drift.changed
    )
    return "\n".join(blocks)


def build(name: str, sources: Path = SOURCES, migrations: Path = MIGRATIONS) -> Path | None:
    """Write the migration that is missing.

    Args:
        name: what changed, in snake_case; becomes part of the file's name.
        sources: the folder functions_sql.
        migrations: where the file goes.

    Returns:
        The new file, or nothing when the migrations are in step.

    Raises:
        BuildError: a source vanished without a `-- dropped:` line, or the name is no snake_case.
    """
    if not NAME.fullmatch(name):
        raise BuildError(f'"{name}" is no name: use lowercase words joined by underscores.')
    every = read_sources(sources)
    drift = complete(find_drift(every, deployed_hashes(migrations)), every)
    if drift.vanished:
        raise BuildError("\n".join(_complain_vanished(drift.vanished)))
    if not drift.changed and not drift.moved:
        return None
    version = next_version(migrations, datetime.now(UTC))
    path = migrations / f"{version}_{name}_functions.sql"
    path.write_text(render_migration(name, drift), "utf-8")
    return path


def check(sources: Path = SOURCES, migrations: Path = MIGRATIONS) -> list[str]:
    """One complaint per source that the migrations do not deploy as it stands."""
    drift = find_drift(read_sources(sources), deployed_hashes(migrations))
    return [
        *(f"{source.path} differs from its newest migration." for source in drift.changed),
        *(f"{new} was moved from {old}." for old, new in drift.moved.items()),
        *_complain_vanished(drift.vanished),
    ]


def _complain_vanished(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        yield (
            f"{path} is gone, but databases still have what it made: write a migration that "
            f'drops it and has the line "-- dropped: {path}".'
        )


def apply_sources(dsn: str, folder: Path = SOURCES, *, check_bodies: bool = False) -> list[str]:
    """Apply every source in order, in one transaction: the loop of edit, apply, test.

    Args:
        dsn: connection URL of the role `postgres`.
        folder: the folder functions_sql.
        check_bodies: let PostgreSQL check SQL functions; only for a database that has them all.

    Returns:
        The paths applied.

    Raises:
        BuildError: PostgreSQL refused a source; the text names it.
    """
    applied = []
    with psycopg.connect(dsn) as connection:
        connection.execute("set client_min_messages = warning")
        if not check_bodies:
            connection.execute("set check_function_bodies = off")
        for source in read_sources(folder):
            try:
                connection.execute(source.text.encode())
            except psycopg.Error as error:
                line = _line_of(source.text, error.diag.statement_position)
                advice = ADVICE if isinstance(error, InvalidFunctionDefinition) else ""
                raise BuildError(f"{source.path}{line}: {str(error).strip()}{advice}") from error
            applied.append(source.path)
        connection.execute("notify pgrst, 'reload schema'")
    return applied


def _line_of(text: str, position: str | None) -> str:
    return f":{text.count(chr(10), 0, int(position) - 1) + 1}" if position else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the commands; 0 when all is well, 1 with complaints on stderr otherwise."""
    parser = argparse.ArgumentParser(description="Keep migrations in step with functions_sql.")
    command = parser.add_mutually_exclusive_group(required=True)
    command.add_argument("--name", help="write a migration with what changed, e.g. add_reactions")
    command.add_argument("--check", action="store_true", help="complain when one is missing")
    command.add_argument("--list", action="store_true", help="print the sources in order")
    command.add_argument("--apply", metavar="DSN", help="apply all sources to a database")
    args = parser.parse_args(argv)
    complaints: list[str] = []
    try:
        if args.name:
            path = build(args.name)
            _say(f"Wrote {path}" if path else "Nothing changed.")
        elif args.apply:
            _say(f"Applied {len(apply_sources(args.apply))} sources.")
        elif args.list:
            for source in read_sources():
                _say(source.path)
        else:
            complaints = check()
    except BuildError as error:
        complaints = [str(error)]
    for complaint in complaints:
        print(complaint, file=sys.stderr)  # noqa: T201
    if complaints and args.check:
        print(  # noqa: T201
            "Run `python scripts/build/build_migrations.py --name <what_changed>`.", file=sys.stderr
        )
    return 1 if complaints else 0


def _say(text: str) -> None:
    print(text)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
