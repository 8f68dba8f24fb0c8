"""Where the sandbox runs and where it does not, and checkout in a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scripts.dev.razorpay_sandbox.__main__ import main
from scripts.dev.razorpay_sandbox.client import SandboxClient, running_sandbox
from scripts.dev.razorpay_sandbox.config import SettingsError
from tests.razorpay_sandbox.support import new_order, sdk
from tests.support.node import NODE
from tests.support.stacks import ROOT, free_port

KEYS = {
    "RAZORPAY_KEY_ID": "rzp_test_abcdefgh",
    "RAZORPAY_KEY_SECRET": "key-secret-of-this-test",
    "RAZORPAY_WEBHOOK_SECRET": "webhook-secret-of-this-test",
}
BROWSER = Path(__file__).parent / "browser.mjs"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"APP_ENV": "production"}, "APP_ENV is production"),
        ({"RAZORPAY_KEY_ID": "rzp_live_abcdefgh"}, "is a live key"),
        ({"RAZORPAY_KEY_ID": "abcdefgh"}, "must begin with rzp_test_"),
        ({"RAZORPAY_KEY_SECRET": ""}, "Set RAZORPAY_KEY_SECRET"),
    ],
)
def test_it_refuses_to_be_taken_for_the_real_thing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    complaint: str,
) -> None:
    for name, value in (KEYS | changes).items():
        monkeypatch.setenv(name, value)
    assert main(["--port", str(free_port())]) == 1
    said, error = capsys.readouterr()
    assert said == ""
    assert complaint in error
    assert error.count("\n") == 1


def test_it_refuses_a_number_that_is_no_port(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--port", "65536"])
    assert "65536 is no port" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1:5000", "http://", "http://["])
def test_it_refuses_an_address_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert main(["--port", str(free_port()), "--webhook-url", address]) == 1
    _, error = capsys.readouterr()
    assert f"--webhook-url {address} is no address: begin it with http://." in error
    assert error.count("\n") == 1


def test_tests_cannot_start_it_in_production_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(SettingsError, match="production"), running_sandbox():
        pass


def test_it_runs_until_it_is_told_to_stop() -> None:
    port = free_port()
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "scripts.dev.razorpay_sandbox", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, **KEYS},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert str(port) in process.stdout.readline()
        transport = httpx.HTTPTransport(retries=8)  # the line comes just before the port opens
        auth = (KEYS["RAZORPAY_KEY_ID"], KEYS["RAZORPAY_KEY_SECRET"])
        with httpx.Client(transport=transport, auth=auth) as client:
            answer = client.get(f"http://127.0.0.1:{port}/v1/orders")
        assert answer.json()["count"] == 0
        process.send_signal(signal.SIGINT)  # Ctrl-C
        _, error = process.communicate(timeout=10)
    assert (process.returncode, error) == (0, "")


def test_the_page_of_an_order_shows_its_price_and_that_no_money_moves(
    sandbox: SandboxClient,
) -> None:
    order_id = new_order(sandbox)["id"]
    page = httpx.get(f"{sandbox.url}/sandbox/checkout/{order_id}").text
    assert f"<title>Razorpay sandbox: pay {order_id}</title>" in page
    assert "INR 5000.00" in page
    assert f'fetch("/sandbox/orders/{order_id}/pay"' in page


@pytest.mark.parametrize(
    ("button", "said", "status"),
    [
        ("Pay", "handler razorpay_payment_id,razorpay_order_id,razorpay_signature", "paid"),
        ("Fail", "payment.failed Payment failed", "attempted"),
        ("Close", "dismissed", "created"),
    ],
)
def test_checkout_tells_the_page_what_the_customer_did(
    sandbox: SandboxClient, button: str, said: str, status: str
) -> None:
    order_id = new_order(sandbox)["id"]
    browser = subprocess.run(  # noqa: S603
        [NODE, BROWSER, sandbox.url, order_id, button],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (browser.stdout.strip(), browser.stderr) == (said, "")
    assert sdk(sandbox).order.fetch(order_id)["status"] == status


def test_a_front_end_of_another_origin_may_use_checkout(sandbox: SandboxClient) -> None:
    answer = httpx.get(f"{sandbox.url}/v1/checkout.js", headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"].startswith("text/javascript")
