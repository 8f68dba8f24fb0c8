"""The settings, read once from the environment; what is wrong with them is said all at once."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

APP_ENVS = ("development", "test", "production")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 5000
RAZORPAY_API = "https://api.razorpay.com"
RAZORPAY_CREDENTIALS = ("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET")
RAZORPAY_EXTRAS = ("RAZORPAY_WEBHOOK_SECRET_PREVIOUS", "RAZORPAY_ACCOUNT_ID")
DEFAULT_CHECKOUT_NAME = "Stoory Platform"
DEFAULT_CHECKOUT_COLOR = "#3B82F6"

# An HMAC-SHA256 key shorter than its digest weakens it: RFC 7518, section 3.2.
MIN_JWT_SECRET_BYTES = 32
MIN_WEBHOOK_SECRET_LENGTH = 16

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ConfigError(Exception):
    """The settings cannot be used; `problems` holds one sentence for each fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["The app cannot start:", *(f"- {p}" for p in problems)]))


@dataclass(frozen=True)
class RazorpayConfig:
    """What the payment routes need; secrets stay out of repr and so out of logs."""

    key_id: str
    key_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    webhook_secret_previous: str | None = field(repr=False)
    account_id: str | None
    base_url: str
    checkout_name: str
    checkout_color: str

    @property
    def mode(self) -> Literal["test", "live"]:
        """Whose money it is: orders, events and refunds of the other mode are none of ours.

        The key says so, and nothing that Razorpay sends does.
        Source: https://razorpay.com/docs/payments/dashboard/account-settings/api-keys/
        """
        return "live" if self.key_id.startswith("rzp_live_") else "test"


@dataclass(frozen=True)
class WebPushConfig:
    """Who we are to push services (VAPID, RFC 8292)."""

    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    subject: str
    allow_loopback: bool


@dataclass(frozen=True)
class Config:
    """The configuration of one app; `razorpay` and `web_push` are None while those are off."""

    supabase_url: str
    supabase_anon_key: str = field(repr=False)
    supabase_service_role_key: str = field(repr=False)
    supabase_jwt_secret: str | None = field(repr=False)
    # Issuers that tokens may name; empty: the project's own, as `issuers` says.
    supabase_jwt_issuers: tuple[str, ...]
    razorpay: RazorpayConfig | None
    web_push: WebPushConfig | None
    cors_origins: tuple[str, ...]
    app_env: str
    log_level: str
    host: str
    port: int

    @property
    def is_production(self) -> bool:
        """Whether real people and real money are behind this app."""
        return self.app_env == "production"

    @property
    def auth_url(self) -> str:
        """Where the project's Auth lives."""
        return f"{self.supabase_url}/auth/v1"

    @property
    def issuers(self) -> tuple[str, ...]:
        """The issuers whose tokens are accepted: those that are set, else Auth at the URL.

        The names of this machine's loopback stand for each other: a local project says 127.0.0.1
        in its tokens, whatever name it is called by.
        """
        if self.supabase_jwt_issuers:
            return self.supabase_jwt_issuers
        parts = urlsplit(self.auth_url)
        if parts.hostname not in _LOOPBACK:
            return (self.auth_url,)
        port = f":{parts.port}" if parts.port else ""
        hosts = ("127.0.0.1", "localhost", "[::1]")
        return tuple(f"{parts.scheme}://{host}{port}{parts.path}" for host in hosts)

    @property
    def takes_no_issuer(self) -> bool:
        """Whether a token without an issuer is accepted.

        Self-hosted Auth writes none unless GOTRUE_JWT_ISSUER is set. A shared secret is one
        project's alone, so its signature says as much as an issuer; keys of a set may be anybody's.
        """
        return not self.supabase_jwt_issuers and self.supabase_jwt_secret is not None


def load_config(environment: Mapping[str, str]) -> Config:
    """Read the settings; an empty value counts as missing.

    Raises:
        ConfigError: with one sentence for every setting that is missing or malformed.
    """
    env = {name: value.strip() for name, value in environment.items()}
    problems: list[str] = []
    app_env = _one_of(env, "APP_ENV", APP_ENVS, "development", problems)
    config = Config(
        supabase_url=_supabase_url(env, problems),
        supabase_anon_key=_api_key(env, "SUPABASE_ANON_KEY", "anon", problems),
        supabase_service_role_key=_api_key(
            env, "SUPABASE_SERVICE_ROLE_KEY", "service_role", problems
        ),
        supabase_jwt_secret=_jwt_secret(env, problems),
        supabase_jwt_issuers=_jwt_issuers(env, problems),
        razorpay=_razorpay(env, app_env, problems),
        web_push=_web_push(env, app_env, problems),
        cors_origins=_cors_origins(env, problems),
        app_env=app_env,
        log_level=_one_of(env, "LOG_LEVEL", LOG_LEVELS, "INFO", problems),
        host=_host(env, problems),
        port=_port(env, problems),
    )
    if problems:
        raise ConfigError(problems)
    return config


def _required(env: Mapping[str, str], name: str, what: str, problems: list[str]) -> str:
    value = env.get(name, "")
    if not value:
        problems.append(f"{name} is missing: set it to {what}.")
    return value


def _one_of(
    env: Mapping[str, str],
    name: str,
    choices: tuple[str, ...],
    default: str,
    problems: list[str],
) -> str:
    value = env.get(name) or default
    found = {choice.lower(): choice for choice in choices}.get(value.lower())
    if found is None:
        problems.append(f"{name} must be one of {', '.join(choices)}.")
    return found or default


def _host(env: Mapping[str, str], problems: list[str]) -> str:
    """The address to listen on, in the form that gunicorn's `bind` takes before `:<port>`."""
    value = env.get("HOST") or DEFAULT_HOST
    if value == "localhost":
        return value
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        problems.append(
            f"HOST must be an IP address to listen on, such as {DEFAULT_HOST} (this machine only) "
            "or 0.0.0.0 (every address)."
        )
        return DEFAULT_HOST
    return f"[{address}]" if address.version == 6 else str(address)


def _port(env: Mapping[str, str], problems: list[str]) -> int:
    value = env.get("PORT") or str(DEFAULT_PORT)
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        problems.append("PORT must be a whole number from 1 to 65535.")
        return DEFAULT_PORT
    return int(value)


def _split_origin(url: str) -> SplitResult | None:
    """The parts of `scheme://host[:port]`, or None when the text is anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what checks it
    except ValueError:
        return None
    has_more = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or has_more:
        return None
    return parts


def _supabase_url(env: Mapping[str, str], problems: list[str]) -> str:
    example = "the project's URL, for example https://abcdefgh.supabase.co"
    url = _required(env, "SUPABASE_URL", example, problems).rstrip("/")
    if url and _split_origin(url) is None:
        problems.append(f"SUPABASE_URL must be {example}, without a path.")
    return url


def _api_key(env: Mapping[str, str], name: str, role: str, problems: list[str]) -> str:
    key = _required(env, name, f"the project's API key for {role}", problems)
    if key and _role_of(key) != role:
        problems.append(f"{name} is not the project's API key for the role {role}.")
    return key


def _role_of(api_key: str) -> object:
    """The role that an API key says it has: new keys by their prefix, old ones are JWTs.

    Source: https://supabase.com/docs/guides/api/api-keys
    """
    if api_key.startswith("sb_publishable_"):
        return "anon"
    if api_key.startswith("sb_secret_"):
        return "service_role"
    try:
        return jwt.decode(api_key, options={"verify_signature": False}).get("role")
    except jwt.PyJWTError:
        return None


def _jwt_secret(env: Mapping[str, str], problems: list[str]) -> str | None:
    secret = env.get("SUPABASE_JWT_SECRET") or None
    if secret is not None and len(secret.encode()) < MIN_JWT_SECRET_BYTES:
        problems.append(
            f"SUPABASE_JWT_SECRET must have at least {MIN_JWT_SECRET_BYTES} bytes; "
            "leave it out when the project signs with asymmetric keys."
        )
    return secret


def _jwt_issuers(env: Mapping[str, str], problems: list[str]) -> tuple[str, ...]:
    listed = (issuer.strip() for issuer in env.get("SUPABASE_JWT_ISSUER", "").split(","))
    issuers = tuple(issuer for issuer in listed if issuer)
    if any(not re.fullmatch(r"[!-~]{1,255}", issuer) for issuer in issuers):
        problems.append(
            "SUPABASE_JWT_ISSUER must be a comma-separated list of issuers as tokens name them, "
            "such as https://supabase.example.com/auth/v1."
        )
    return issuers


def _cors_origins(env: Mapping[str, str], problems: list[str]) -> tuple[str, ...]:
    listed = env.get("CORS_ORIGIN", "").split(",")
    origins = tuple(origin.strip().rstrip("/") for origin in listed if origin.strip())
    if any(_split_origin(origin) is None for origin in origins):
        problems.append(
            "CORS_ORIGIN must be a comma-separated list of origins such as "
            "https://app.example.com; a wildcard is not accepted."
        )
    return origins


def _razorpay(env: Mapping[str, str], app_env: str, problems: list[str]) -> RazorpayConfig | None:
    """The Razorpay group: all of its credentials, or none and payments are off."""
    color = _checkout_color(env, problems)
    missing = [name for name in RAZORPAY_CREDENTIALS if not env.get(name)]
    given = [name for name in (*RAZORPAY_CREDENTIALS, *RAZORPAY_EXTRAS) if env.get(name)]
    if not given and app_env != "production":
        return None
    for name in missing:
        reason = "APP_ENV is production" if not given else f"{given[0]} is set"
        problems.append(f"{name} is missing: it is needed because {reason}.")
    _check_razorpay(env, app_env, problems)
    return RazorpayConfig(
        key_id=env.get("RAZORPAY_KEY_ID", ""),
        key_secret=env.get("RAZORPAY_KEY_SECRET", ""),
        webhook_secret=env.get("RAZORPAY_WEBHOOK_SECRET", ""),
        webhook_secret_previous=env.get("RAZORPAY_WEBHOOK_SECRET_PREVIOUS") or None,
        account_id=env.get("RAZORPAY_ACCOUNT_ID") or None,
        base_url=_razorpay_base_url(env),
        checkout_name=env.get("CHECKOUT_NAME") or DEFAULT_CHECKOUT_NAME,
        checkout_color=color,
    )


def _checkout_color(env: Mapping[str, str], problems: list[str]) -> str:
    color = env.get("CHECKOUT_COLOR") or DEFAULT_CHECKOUT_COLOR
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", color):
        problems.append(f"CHECKOUT_COLOR must look like {DEFAULT_CHECKOUT_COLOR}.")
    return color


def _razorpay_base_url(env: Mapping[str, str]) -> str:
    return (env.get("RAZORPAY_BASE_URL") or RAZORPAY_API).rstrip("/")


def _check_razorpay(env: Mapping[str, str], app_env: str, problems: list[str]) -> None:
    key_id = env.get("RAZORPAY_KEY_ID")
    if key_id and not re.fullmatch(r"rzp_(test|live)_\w+", key_id):
        problems.append("RAZORPAY_KEY_ID must look like rzp_test_... or rzp_live_....")
    for name in ("RAZORPAY_WEBHOOK_SECRET", "RAZORPAY_WEBHOOK_SECRET_PREVIOUS"):
        secret = env.get(name)
        if secret and len(secret) < MIN_WEBHOOK_SECRET_LENGTH:
            problems.append(f"{name} must have at least {MIN_WEBHOOK_SECRET_LENGTH} characters.")
    account_id = env.get("RAZORPAY_ACCOUNT_ID")
    if account_id and not re.fullmatch(r"acc_\w+", account_id):
        problems.append("RAZORPAY_ACCOUNT_ID must look like acc_....")
    parts = _split_origin(_razorpay_base_url(env))
    is_sandbox = parts is not None and parts.hostname in _LOOPBACK and app_env != "production"
    if parts is None or not (parts.scheme == "https" or is_sandbox):
        problems.append(
            "RAZORPAY_BASE_URL must be an https URL without a path; "
            "http is accepted on loopback outside production only."
        )


def _web_push(env: Mapping[str, str], app_env: str, problems: list[str]) -> WebPushConfig | None:
    """The Web Push group: both VAPID settings, or neither and pushes stay queued."""
    allow = _one_of(env, "PUSH_ALLOW_LOOPBACK", ("true", "false"), "false", problems) == "true"
    if allow and app_env == "production":
        problems.append("PUSH_ALLOW_LOOPBACK is for tests: leave it out in production.")
    key, subject = env.get("VAPID_PRIVATE_KEY", ""), env.get("VAPID_SUBJECT", "")
    if not key and not subject:
        return None
    what = "the private key that `npx web-push generate-vapid-keys` prints"
    private_key = _vapid_key(_required(env, "VAPID_PRIVATE_KEY", what, problems))
    if key and private_key is None:
        problems.append(f"VAPID_PRIVATE_KEY must be {what}.")
    what = "where push services can reach you, such as mailto:ops@example.com"
    _required(env, "VAPID_SUBJECT", what, problems)
    if subject and not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/]+\S*", subject):
        problems.append(f"VAPID_SUBJECT must be {what}, or an https URL.")
    return WebPushConfig(private_key, subject, allow) if private_key else None


def _vapid_key(text: str) -> ec.EllipticCurvePrivateKey | None:
    """The P-256 key whose 32 bytes are given in base64url; None when they are not that."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}=?", text):
        return None
    number = int.from_bytes(base64.urlsafe_b64decode(text[:43] + "="))
    try:
        return ec.derive_private_key(number, ec.SECP256R1())
    except ValueError:  # zero, or not below the order of the curve
        return None
