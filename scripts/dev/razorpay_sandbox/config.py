"""Reads and checks the sandbox's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
# Ours; an id of Razorpay's is a prefix and 14 letters and digits.
DEFAULT_ACCOUNT_ID = "acc_SandboxParley0"
TEST_KEY, LIVE_KEY = "rzp_test_", "rzp_live_"


class SettingsError(Exception):
    """The sandbox cannot start so: one sentence that says what to do."""


@dataclass(frozen=True)
class Settings:
    """Keys as the app under test has them, and where and how events are sent.

    Attributes:
        key_id: what the app signs in to the API with.
        key_secret: its password; signs what checkout answers.
        webhook_secret: signs events; None sends them without a signature.
        webhook_url: where events go; None loses them all.
        account_id: the account that events name.
        send_limit: how often an event is sent that nobody takes.
        first_pause: seconds before an event is sent again; doubles each time.
        deadline: seconds that an answer may take; 5 at Razorpay.
    """

    key_id: str
    key_secret: str
    webhook_secret: str | None
    webhook_url: str | None = None
    account_id: str = DEFAULT_ACCOUNT_ID
    send_limit: int = 8
    first_pause: float = 0.2
    deadline: float = 5.0


def require_harmless(environment: Mapping[str, str], key_id: str) -> None:
    """Return when nobody could take this for the real thing.

    Raises:
        SettingsError: it is production, or the key is not one of test mode.
    """
    if environment.get("APP_ENV", "").strip().lower() == "production":
        raise SettingsError("APP_ENV is production: the sandbox moves no money, use Razorpay.")
    if key_id.startswith(LIVE_KEY):
        raise SettingsError(
            f"RAZORPAY_KEY_ID is a live key: make one up that begins with {TEST_KEY}."
        )
    if not key_id.startswith(TEST_KEY):
        raise SettingsError(f"RAZORPAY_KEY_ID must begin with {TEST_KEY}: make one up.")


def read_settings(environment: Mapping[str, str], webhook_url: str | None) -> Settings:
    """The settings that the environment and the command line give.

    Raises:
        SettingsError: a name is missing, or the sandbox must not run here.
    """
    names = ("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise SettingsError(f"Set {', '.join(missing)} as for the app that will call the sandbox.")
    key_id, key_secret, webhook_secret = (environment[name] for name in names)
    require_harmless(environment, key_id)
    if webhook_url is not None and not _is_web_address(webhook_url):
        raise SettingsError(f"--webhook-url {webhook_url} is no address: begin it with http://.")
    account = environment.get("RAZORPAY_ACCOUNT_ID") or DEFAULT_ACCOUNT_ID
    return Settings(key_id, key_secret, webhook_secret, webhook_url, account)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
