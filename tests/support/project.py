"""The project's own files, with git or without."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from tests.support.stacks import ROOT

# Made by tools; what .gitignore names.
LEFT_OUT = {".git", ".venv", ".local", "node_modules", "__pycache__", "dist"}


@cache
def project_files(ending: str = "") -> list[Path]:
    """The files that belong to the project, also those that are not committed yet."""
    names = _names_from_git() if (ROOT / ".git").exists() else _names_from_folders()
    paths = sorted(ROOT / name for name in names if name.endswith(ending))
    return [path for path in paths if path.is_file()]


def _names_from_git() -> list[str]:
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in answer.stdout.split("\0") if name]


def _names_from_folders() -> list[str]:
    names = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name for name in folders if name not in LEFT_OUT and not name.endswith("_cache")
        ]
        names += [os.path.relpath(os.path.join(folder, name), ROOT) for name in files]
    return names
