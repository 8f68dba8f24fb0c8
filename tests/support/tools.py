"""What tests need of the machine and no package of PyPI or npm carries."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def miss(tool: str, what_to_do: str) -> NoReturn:
    """Fail the test and say what to do, unless PARLEY_WITHOUT names the tool: skip it then."""
    if tool in os.environ.get("PARLEY_WITHOUT", "").split(","):
        pytest.skip(f"LEFT OUT: nothing was checked with {tool}, because PARLEY_WITHOUT says so")
    pytest.fail(
        f"{tool} is missing: {what_to_do}, or set PARLEY_WITHOUT={tool} to leave this check out."
    )
