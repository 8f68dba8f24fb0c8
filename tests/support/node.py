"""Runs what tests/node installed, with the Node of the virtual environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.stacks import ROOT, Stack

FOLDER = ROOT / "tests" / "node"
NODE = Path(sys.executable).parent / "node"
SUPABASE = FOLDER / "node_modules" / "supabase" / "dist" / "supabase.js"


def run_node(
    script: Path, *arguments: str, flags: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script with Node and its flags and catch what it says; more environment by name."""
    assert (FOLDER / "node_modules").is_dir(), "run ./scripts/test once: it installs tests/node"
    return subprocess.run(  # noqa: S603
        [NODE, *flags, script, *arguments],
        cwd=FOLDER,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def run_node_tests(file: str, stack: Stack, **environment: str) -> None:
    """Run a test file of tests/node against a stack; fails when one of its tests does."""
    ran = run_node(
        FOLDER / file,
        flags=("--test-force-exit",),  # supabase-js leaves a timer of ten seconds behind
        SUPABASE_URL=stack.api_url,
        SUPABASE_ANON_KEY=stack.anon_key,
        SUPABASE_SERVICE_ROLE_KEY=stack.service_role_key,
        SUPABASE_JWT_SECRET=stack.jwt_secret,
        **environment,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # Node calls an empty file a success, so count.
    written = len(re.findall(r"^test\(", (FOLDER / file).read_text("utf-8"), re.MULTILINE))
    passed = re.search(r"^\S+ pass (\d+)$", ran.stdout, re.MULTILINE)
    assert passed, ran.stdout
    assert int(passed[1]) == written > 0


def run_supabase(workdir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the Supabase CLI on a copy of our supabase folder; it writes beside what it reads."""
    copy = workdir / "supabase"
    if not copy.exists():
        shutil.copytree(ROOT / "supabase", copy)
    return run_node(
        SUPABASE,
        *("--workdir", str(workdir), *arguments),
        HOME=str(workdir),
        SUPABASE_TELEMETRY_DISABLED="1",
        DO_NOT_TRACK="1",
    )
