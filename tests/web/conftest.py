"""Fixtures of the web client's tests: one site and one browser for all of them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from scripts.dev.demo import web
from scripts.dev.demo.gateway import make_push_keys
from tests.end_to_end.gateway import running_payments
from tests.end_to_end.people import open_client
from tests.support.stacks import Stack, free_port
from tests.web.people import Member, Site, Window, admit, build, window

LOOPBACK = "127.0.0.1"
# Parts of the browser around the page, which take more time than the page. Naming any replaces the
# list that Playwright gives, so its others are named again.
WITHOUT = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
)


@contextmanager
def running_server(folder: Path, config: dict[str, object], port: int) -> Iterator[None]:
    """The server of `scripts/dev/demo/web.py` in a thread."""
    server = uvicorn.Server(
        uvicorn.Config(
            web.create_app(folder, config),
            host=LOOPBACK,
            port=port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the built client."""
    return build(tmp_path_factory.mktemp("web") / "build.log")


@pytest.fixture(scope="package")
def site(stack: Stack, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The client on a running stack, with the app and a sandbox in Razorpay's place.

    The browser lives as long as this folder's tests: while it does, no other loop may run here.
    """
    chromium = shutil.which("chromium")
    assert chromium, "install Chromium (on Debian: apt-get install chromium)"
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with ExitStack() as everything:
        payments = everything.enter_context(running_payments(stack, CORS_ORIGIN=url))
        config: dict[str, object] = {
            "supabaseUrl": stack.api_url,
            "supabaseKey": stack.anon_key,
            "appUrl": payments.app_url,
            "checkoutUrl": f"{payments.sandbox.url}/v1/checkout.js",
            "vapidKey": make_push_keys(tmp_path_factory.mktemp("keys") / "vapid.key").public,
            "demoPeople": [],
        }
        everything.enter_context(running_server(built, config, port))
        playwright = everything.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", f"--disable-features={','.join(WITHOUT)}"],
        )
        everything.callback(browser.close)
        http = everything.enter_context(open_client(stack))
        yield Site(url, stack, payments, browser, http)


@pytest.fixture(scope="module")
def asha(site: Site) -> Member:
    """An influencer."""
    return admit(site, "Asha", "influencer")


@pytest.fixture(scope="module")
def bharat(site: Site) -> Member:
    """A brand owner."""
    return admit(site, "Bharat", "brand_owner")


@pytest.fixture(scope="module")
def talk(asha: Member, bharat: Member) -> str:
    """The direct chat of the two."""
    return asha.connect(bharat)


@pytest.fixture
def open_window(site: Site) -> Iterator[Callable[..., Window]]:
    """Opens windows that are closed after the test; arguments as of `window`."""
    with ExitStack() as everything:
        yield lambda member, **options: everything.enter_context(window(site, member, **options))
