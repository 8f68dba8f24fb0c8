"""The JavaScript example on supabase-js, run by Node's own test runner."""

from __future__ import annotations

import re

import pytest

from tests.end_to_end.gateway import Payments
from tests.support.node import FOLDER, run_node


@pytest.mark.parametrize("file", ["chat.test.mjs", "deals.test.mjs", "payments.test.mjs"])
def test_supabase_js_does_as_the_python_client_does(payments: Payments, file: str) -> None:
    stack = payments.stack
    ran = run_node(
        FOLDER / file,
        flags=("--test-force-exit",),  # supabase-js leaves a timer of ten seconds behind
        SUPABASE_URL=stack.api_url,
        SUPABASE_ANON_KEY=stack.anon_key,
        SUPABASE_SERVICE_ROLE_KEY=stack.service_role_key,
        SUPABASE_JWT_SECRET=stack.jwt_secret,
        APP_URL=payments.app_url,
        SANDBOX_URL=payments.sandbox.url,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # Node calls an empty file a success, so count.
    written = len(re.findall(r"^test\(", (FOLDER / file).read_text("utf-8"), re.MULTILINE))
    passed = re.search(r"^\S+ pass (\d+)$", ran.stdout, re.MULTILINE)
    assert passed, ran.stdout
    assert int(passed[1]) == written > 0
