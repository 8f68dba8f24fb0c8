"""Writes and checks supabase/migrations.lock, the hashes that keep migrations unedited.

`supabase db push` compares version numbers only: an edit of an applied file would reach no
database and nobody would notice.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

SUPABASE = Path(__file__).parents[2] / "supabase"
MIGRATIONS = SUPABASE / "migrations"
LOCK = SUPABASE / "migrations.lock"


def read_lock(lock: Path) -> dict[str, str]:
    """The recorded sha256 of each migration, by file name."""
    if not lock.exists():
        return {}
    lines = (line.split() for line in lock.read_text("utf-8").splitlines())
    return {name: digest for digest, name in lines}


def hash_migrations(folder: Path) -> dict[str, str]:
    """The sha256 of each migration as it lies there, by file name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.sql"))
    }


def find_broken(locked: dict[str, str], actual: dict[str, str]) -> list[str]:
    """One complaint per locked migration that changed or is gone."""
    complaints = []
    for name, digest in locked.items():
        if name not in actual:
            complaints.append(f"{name} is locked but gone: bring it back.")
        elif actual[name] != digest:
            complaints.append(f"{name} was changed after it was locked: undo it, add a new one.")
    return complaints


def find_unlocked(locked: dict[str, str], actual: dict[str, str]) -> list[str]:
    """One complaint per migration that the lock does not know, or that came too late."""
    newest = max(locked, default="")
    complaints = []
    for name in actual.keys() - locked.keys():
        if name < newest:
            complaints.append(f"{name} is older than {newest}, so no database would get it.")
        else:
            complaints.append(
                f"{name} is not locked: run `python scripts/build/lock_migrations.py`."
            )
    return sorted(complaints)


def check(folder: Path = MIGRATIONS, lock: Path = LOCK) -> list[str]:
    """One complaint per migration that is not as it was locked, or is not locked."""
    locked, actual = read_lock(lock), hash_migrations(folder)
    return find_broken(locked, actual) + find_unlocked(locked, actual)


def write(folder: Path = MIGRATIONS, lock: Path = LOCK) -> list[str]:
    """Lock what is new; complaints, and nothing written, when something locked has changed."""
    locked, actual = read_lock(lock), hash_migrations(folder)
    complaints = find_broken(locked, actual)
    if not complaints:
        lock.write_text("".join(f"{digest}  {name}\n" for name, digest in actual.items()), "utf-8")
    return complaints


def main(argv: Sequence[str] | None = None) -> int:
    """Write the lock, or check it; 0 when all is well, 1 with complaints on stderr otherwise."""
    parser = argparse.ArgumentParser(description="Lock migrations against later edits.")
    parser.add_argument("--check", action="store_true", help="complain instead of writing")
    complaints = check() if parser.parse_args(argv).check else write()
    for complaint in complaints:
        print(complaint, file=sys.stderr)  # noqa: T201
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
