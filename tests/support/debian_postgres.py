"""The system's PostgreSQL with plpgsql_check, an extension that no package of PyPI carries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

LEFT_OUT = "plpgsql_check"
CONTROL = Path("/usr/share/postgresql")
BINARIES = Path("/usr/lib/postgresql")


def find_binaries() -> Path:
    """The folder of its binaries, of the oldest version that has the extension.

    Without one the test fails, unless PARLEY_WITHOUT=plpgsql_check leaves it out.
    """
    found = sorted(CONTROL.glob("*/extension/plpgsql_check.control"))
    for control in found:
        binaries = BINARIES / control.parts[-3] / "bin"
        if (binaries / "postgres").exists():
            return binaries
    if LEFT_OUT in os.environ.get("PARLEY_WITHOUT", "").split(","):
        pytest.skip("LEFT OUT: nobody checked the PL/pgSQL, because PARLEY_WITHOUT says so")
    pytest.fail(
        "plpgsql_check is missing: `apt-get install postgresql-15-plpgsql-check` (Debian 12), "
        "or set PARLEY_WITHOUT=plpgsql_check to leave this check out."
    )
