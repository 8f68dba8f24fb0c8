"""The settings: what is needed, what is refused, and that all faults are said at once."""

from __future__ import annotations

import base64
import os
import re
import runpy
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.webhooks.support import JWT_SECRET, RAZORPAY, ROOT, VAPID, api_key, settings
from webhooks.app import create_app
from webhooks.config import (
    Config,
    ConfigError,
    RazorpayConfig,
    WebPushConfig,
    describe,
    load_config,
)

URL = "https://abcdefgh.supabase.co"


def problems_of(environment: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(environment)
    return caught.value.problems


def test_the_smallest_settings_are_enough_and_payments_are_off() -> None:
    config = load_config(settings(URL))
    assert (config.supabase_url, config.auth_url) == (URL, f"{URL}/auth/v1")
    assert (config.app_env, config.log_level) == ("development", "INFO")
    assert (config.host, config.port) == ("127.0.0.1", 5000)
    assert (config.razorpay, config.web_push, config.cors_origins) == (None, None, ())


def test_every_setting_is_read() -> None:
    config = load_config(
        settings(
            f"{URL}/",
            CORS_ORIGIN="https://A.example.com:443, http://localhost:3000/",
            APP_ENV="Production",
            LOG_LEVEL="warning",
            HOST="0.0.0.0",  # noqa: S104
            PORT="8080",
            RAZORPAY_WEBHOOK_SECRET_PREVIOUS="webhook-secret-of-yesterday",
            RAZORPAY_ACCOUNT_ID="acc_123",
            RAZORPAY_BASE_URL="https://gateway.example.com/",
            CHECKOUT_NAME="Our Market",
            CHECKOUT_COLOR="#00ff7F",
            **RAZORPAY,
            **VAPID,
        )
    )
    assert config.supabase_url == URL
    assert config.cors_origins == ("https://a.example.com", "http://localhost:3000")
    assert (config.app_env, config.log_level) == ("production", "WARNING")
    assert (config.host, config.port) == ("0.0.0.0", 8080)  # noqa: S104
    assert config.razorpay is not None
    assert config.razorpay.key_id == RAZORPAY["RAZORPAY_KEY_ID"]
    assert config.razorpay.key_secret == SecretStr(RAZORPAY["RAZORPAY_KEY_SECRET"])
    assert config.razorpay.webhook_secret == SecretStr(RAZORPAY["RAZORPAY_WEBHOOK_SECRET"])
    assert config.razorpay.webhook_secret_previous == SecretStr("webhook-secret-of-yesterday")
    assert config.razorpay.account_id == "acc_123"
    assert config.razorpay.base_url == "https://gateway.example.com"
    assert config.razorpay.checkout_name == "Our Market"
    assert config.razorpay.checkout_color == "#00ff7F"
    assert config.web_push is not None
    private_number = config.web_push.private_key.private_numbers().private_value
    assert private_number == int.from_bytes(
        base64.urlsafe_b64decode(VAPID["VAPID_PRIVATE_KEY"] + "=")
    )
    assert config.web_push.subject == VAPID["VAPID_SUBJECT"]
    assert config.web_push.allow_loopback is False


def test_everything_missing_is_said_at_once() -> None:
    said = problems_of({})
    names = ("SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY")
    assert [sentence.split(" ")[0] for sentence in said] == list(names)
    assert all(sentence.endswith(".") for sentence in said)


def test_production_without_razorpay_is_refused() -> None:
    said = problems_of(settings(URL, APP_ENV="production"))
    assert [sentence.split(" ")[0] for sentence in said] == list(RAZORPAY)
    assert all("APP_ENV is production" in sentence for sentence in said)


@pytest.mark.parametrize("left_out", list(RAZORPAY))
def test_a_half_set_razorpay_group_is_refused(left_out: str) -> None:
    half = {name: value for name, value in RAZORPAY.items() if name != left_out}
    (said,) = problems_of(settings(URL, **half))
    assert said.startswith(f"{left_out} is missing")


def test_an_optional_razorpay_setting_alone_is_a_half_set_group() -> None:
    assert len(problems_of(settings(URL, RAZORPAY_ACCOUNT_ID="acc_123"))) == len(RAZORPAY)


def test_the_looks_of_checkout_need_no_razorpay_and_have_defaults() -> None:
    assert (
        load_config(settings(URL, CHECKOUT_NAME="Ours", CHECKOUT_COLOR="#000000")).razorpay is None
    )
    razorpay = load_config(settings(URL, **RAZORPAY)).razorpay
    assert razorpay is not None
    assert (razorpay.checkout_name, razorpay.checkout_color) == ("Stoory Platform", "#3B82F6")


@pytest.mark.parametrize("mode", ["test", "live"])
def test_the_key_says_whose_money_it_is(mode: str) -> None:
    keys = RAZORPAY | {"RAZORPAY_KEY_ID": f"rzp_{mode}_abcdefgh"}
    razorpay = load_config(settings(URL, **keys)).razorpay
    assert razorpay is not None
    assert razorpay.mode == mode


def test_a_supabase_project_without_a_jwt_secret_is_fine() -> None:
    assert load_config(settings(URL, SUPABASE_JWT_SECRET="")).supabase_jwt_secret is None


def test_new_api_keys_are_known_by_their_prefix() -> None:
    environment = settings(
        URL, SUPABASE_ANON_KEY="sb_publishable_abc", SUPABASE_SERVICE_ROLE_KEY="sb_secret_abc"
    )
    assert load_config(environment).supabase_anon_key == SecretStr("sb_publishable_abc")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUPABASE_URL", "myproject.supabase.co"),
        ("SUPABASE_URL", "ftp://abcdefgh.supabase.co"),
        ("SUPABASE_URL", "https://abcdefgh.supabase.co/rest/v1"),
        ("SUPABASE_URL", "https://abcdefgh.supabase.co:port"),
        ("SUPABASE_URL", "https://me:secret@abcdefgh.supabase.co"),
        ("SUPABASE_URL", "https://[abc"),
        ("SUPABASE_ANON_KEY", "not-a-key"),
        ("SUPABASE_ANON_KEY", "sb_secret_abc"),
        ("SUPABASE_ANON_KEY", api_key("service_role")),
        ("SUPABASE_SERVICE_ROLE_KEY", api_key("anon")),
        ("SUPABASE_JWT_SECRET", "short"),
        ("CORS_ORIGIN", "*"),
        ("CORS_ORIGIN", "https://*.example.com"),
        ("CORS_ORIGIN", "https://a.example.com/path"),
        ("APP_ENV", "staging"),
        ("LOG_LEVEL", "loud"),
        ("HOST", "example.com"),
        ("HOST", "127.0.0.1:5000"),
        ("HOST", "*"),
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "५०००"),
        ("RAZORPAY_KEY_ID", "key_abc"),
        ("RAZORPAY_WEBHOOK_SECRET", "short"),
        ("RAZORPAY_WEBHOOK_SECRET_PREVIOUS", "short"),
        ("RAZORPAY_ACCOUNT_ID", "merchant"),
        ("RAZORPAY_BASE_URL", "http://gateway.example.com"),
        ("RAZORPAY_BASE_URL", "gateway"),
        ("CHECKOUT_COLOR", "blue"),
        ("CHECKOUT_COLOR", "#3B82G6"),
        ("VAPID_PRIVATE_KEY", "too-short"),
        ("VAPID_PRIVATE_KEY", "A" * 43),  # zero
        ("VAPID_PRIVATE_KEY", "_" * 43),  # past the order of the curve
        ("VAPID_SUBJECT", "operations"),
        ("VAPID_SUBJECT", "http://example.com"),
        ("PUSH_ALLOW_LOOPBACK", "perhaps"),
    ],
)
def test_a_malformed_setting_is_refused_in_one_sentence(name: str, value: str) -> None:
    (said,) = problems_of({**settings(URL, **RAZORPAY, **VAPID), name: value})
    assert said.startswith(f"{name} ")
    assert said.endswith(".")
    assert value == "*" or value not in said.removeprefix(name)


def test_a_stand_in_gateway_on_loopback_is_accepted_outside_production_only() -> None:
    sandbox = settings(URL, RAZORPAY_BASE_URL="http://127.0.0.1:8090", **RAZORPAY)
    assert load_config(sandbox).razorpay is not None
    (said,) = problems_of(sandbox | {"APP_ENV": "production"})
    assert said.startswith("RAZORPAY_BASE_URL ")


@pytest.mark.parametrize("left_out", list(VAPID))
def test_a_half_set_vapid_group_is_refused(left_out: str) -> None:
    half = {name: value for name, value in VAPID.items() if name != left_out}
    (said,) = problems_of(settings(URL, **half))
    assert said.startswith(f"{left_out} is missing")


def test_pushing_to_this_machine_is_refused_in_production() -> None:
    allowed = settings(URL, PUSH_ALLOW_LOOPBACK="true", **RAZORPAY, **VAPID)
    web_push = load_config(allowed).web_push
    assert web_push is not None
    assert web_push.allow_loopback
    (said,) = problems_of(allowed | {"APP_ENV": "production"})
    assert said.startswith("PUSH_ALLOW_LOOPBACK ")


def test_no_secret_shows_when_the_settings_are_printed() -> None:
    environment = settings(URL, RAZORPAY_WEBHOOK_SECRET_PREVIOUS="yesterdays-secret", **RAZORPAY)
    environment |= VAPID
    printed = repr(load_config(environment))
    secrets = [
        JWT_SECRET,
        "yesterdays-secret",
        *(value for name, value in environment.items() if name.endswith(("_KEY", "_SECRET"))),
    ]
    assert RAZORPAY["RAZORPAY_KEY_ID"] in printed
    assert [secret for secret in secrets if secret in printed] == []


def test_create_app_refuses_what_the_settings_refuse() -> None:
    with pytest.raises(ConfigError, match="SUPABASE_URL is missing"):
        create_app({})


@pytest.mark.parametrize("app_env", ["development", "production"])
@pytest.mark.parametrize(
    ("host", "bind"),
    [("", "127.0.0.1:5000"), ("0.0.0.0", "0.0.0.0:5000"), ("::1", "[::1]:5000")],  # noqa: S104
)
def test_host_alone_decides_where_gunicorn_listens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app_env: str, host: str, bind: str
) -> None:
    chosen = {"APP_ENV": app_env, "HOST": host, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    monkeypatch.setattr(os, "environ", settings(URL, **chosen, **RAZORPAY))
    assert runpy.run_path(str(ROOT / "webhooks/gunicorn_conf.py"))["bind"] == bind


def test_the_image_can_be_reached_from_outside() -> None:
    (said,) = re.findall(r"^ENV (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    image = dict(part.split("=") for part in said.split())
    assert image == {"APP_ENV": "production", "HOST": "0.0.0.0", "PORT": "5000"}  # noqa: S104
    assert "HOST=" not in re.sub("(?m)^#.*", "", (ROOT / ".env.example").read_text())


@pytest.mark.parametrize("page", [".env.example", "webhooks/README.md"])
def test_every_setting_is_on_the_pages_for_people_and_no_other_is(page: str) -> None:
    name = (
        r"\b((?:SUPABASE|RAZORPAY|CHECKOUT|VAPID|PUSH|CORS|APP|LOG)_[A-Z]+(?:_[A-Z]+)*|HOST|PORT)\b"
    )
    read = {
        describe(group, field)[0]
        for group in (Config, RazorpayConfig, WebPushConfig)
        for field in group.model_fields
        if field not in ("razorpay", "web_push")
    }
    assert len(read) == 21
    assert set(re.findall(name, (ROOT / page).read_text())) == read


def test_the_example_is_accepted_once_the_keys_are_filled_in() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    keys = {name: value for name, value in settings(URL).items() if name.endswith("_KEY")}
    config = load_config(example | keys)
    assert (config.port, config.razorpay) == (5000, None)


def test_a_shell_and_docker_read_the_same_from_the_example(tmp_path: Path) -> None:
    page = re.sub(r"(?m)^#(?=[A-Z_]+=)", "", (ROOT / ".env.example").read_text())
    (tmp_path / ".env").write_text(page)
    command = ["sh", "-ec", "set -a; . ./.env; exec env"]
    said = subprocess.check_output(command, cwd=tmp_path, env={}, text=True)  # noqa: S603
    keys = settings(URL, **RAZORPAY, **VAPID, RAZORPAY_ACCOUNT_ID="acc_123")
    keys |= {"RAZORPAY_WEBHOOK_SECRET_PREVIOUS": "", "SUPABASE_JWT_ISSUER": ""}
    from_shell, from_docker = (
        load_config(dict(line.split("=", 1) for line in text.splitlines() if "=" in line) | keys)
        for text in (said, re.sub("(?m)^#.*", "", page))
    )
    assert from_shell.razorpay is not None
    assert from_shell.razorpay.checkout_name == "Stoory Platform"
    assert from_docker.razorpay == from_shell.razorpay
