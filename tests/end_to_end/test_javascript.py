"""The JavaScript example on supabase-js, run by Node's own test runner."""

from __future__ import annotations

import pytest

from tests.end_to_end.gateway import Payments
from tests.support.node import run_node_tests


@pytest.mark.parametrize(
    "file", ["chat.test.mjs", "deals.test.mjs", "pace.test.mjs", "payments.test.mjs"]
)
def test_supabase_js_does_as_the_python_client_does(payments: Payments, file: str) -> None:
    run_node_tests(file, payments.stack, APP_URL=payments.app_url, SANDBOX_URL=payments.sandbox.url)
