"""The settings, read once from the environment; one error lists all that are wrong.

A field's description is also its refusal: "<NAME> must be <description>.", so a refusal never
shows the given value.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

_QUOTED = re.compile(r"""^(["'])(.*)\1$""")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_Group = TypeVar("_Group", bound="_Settings")


class ConfigError(Exception):
    """The settings cannot be used; `problems` holds one sentence for each fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["The app cannot start:", *(f"- {p}" for p in problems)]))


def _refuse_unless(is_good: Any) -> None:
    if not is_good:
        raise ValueError


def _origin(url: str) -> str:
    """`scheme://host[:port]` as browsers write it. Raises ValueError for anything else."""
    url = url.rstrip("/").lower()
    parts = urlsplit(url)
    _ = parts.port  # reading it is what checks it
    has_more = parts.path or parts.query or parts.fragment or set("@*") & set(parts.netloc)
    _refuse_unless(parts.scheme in ("http", "https") and parts.hostname and not has_more)
    return url.removesuffix({"http": ":80", "https": ":443"}[parts.scheme])


def _listed(given: str | tuple[str, ...]) -> tuple[str, ...]:
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(part.strip() for part in parts if part.strip())


def _address(host: str) -> str:
    """The address in the form that gunicorn's `bind` takes before `:<port>`."""
    if host == "localhost":
        return host
    address = ipaddress.ip_address(host)
    return f"[{address}]" if address.version == 6 else str(address)


def _has_32_bytes(secret: SecretStr) -> SecretStr:
    """An HMAC-SHA256 key shorter than its digest weakens it: RFC 7518, section 3.2."""
    _refuse_unless(len(secret.get_secret_value().encode()) >= 32)
    return secret


def _key_for(role: str) -> AfterValidator:
    """Refuses an API key of another role: a new key has it in its prefix, an old one is a JWT.

    Source: https://supabase.com/docs/guides/api/api-keys
    """
    prefix = {"anon": "sb_publishable_", "service_role": "sb_secret_"}[role]

    def check(key: SecretStr) -> SecretStr:
        text = key.get_secret_value()
        if not text.startswith(prefix):
            try:
                claims = jwt.decode(text, options={"verify_signature": False})
            except jwt.PyJWTError:
                claims = {}
            _refuse_unless(claims.get("role") == role)
        return key

    return AfterValidator(check)


def _vapid_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key whose 32 bytes are given in base64url."""
    _refuse_unless(re.fullmatch(r"[A-Za-z0-9_-]{43}=?", text))
    number = int.from_bytes(base64.urlsafe_b64decode(text[:43] + "="))
    return ec.derive_private_key(number, ec.SECP256R1())


class _Settings(BaseSettings):
    """Settings from the mapping that `_read` passes, and from no other source."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", arbitrary_types_allowed=True, validate_default=True
    )

    app_env: Annotated[Literal["development", "test", "production"], BeforeValidator(str.lower)] = (
        Field(
            "development", validation_alias="APP_ENV", description="development, test or production"
        )
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment alone, as it was handed in."""
        assert isinstance(env_settings, EnvSettingsSource)  # noqa: S101
        env_settings.env_vars = init_settings()["environment"]
        return (env_settings,)


class RazorpayConfig(_Settings):
    """What the payment routes need."""

    model_config = SettingsConfigDict(env_prefix="razorpay_")

    key_id: str = Field(
        pattern=r"^rzp_(test|live)_\w+$", description="a key such as rzp_test_... or rzp_live_..."
    )
    key_secret: SecretStr = Field(description="the secret of that key")
    webhook_secret: SecretStr = Field(min_length=16, description="16 characters or longer")
    webhook_secret_previous: SecretStr | None = Field(
        None, min_length=16, description="16 characters or longer"
    )
    account_id: str | None = Field(
        None, pattern=r"^acc_\w+$", description="an account such as acc_..."
    )
    base_url: Annotated[str, AfterValidator(_origin)] = Field(
        "https://api.razorpay.com",
        description="an https URL without a path; http is for loopback outside production only",
    )
    checkout_name: str = Field("Stoory Platform", validation_alias="CHECKOUT_NAME")
    checkout_color: str = Field(
        "#3B82F6",
        pattern="^#[0-9A-Fa-f]{6}$",
        validation_alias="CHECKOUT_COLOR",
        description="a colour such as #3B82F6",
    )

    @field_validator("base_url")
    @classmethod
    def _is_safe(cls, url: str, info: ValidationInfo) -> str:
        parts = urlsplit(url)
        is_sandbox = parts.hostname in _LOOPBACK and info.data.get("app_env") != "production"
        _refuse_unless(parts.scheme == "https" or is_sandbox)
        return url

    @property
    def mode(self) -> Literal["test", "live"]:
        """The key's mode, test or live; the app handles no orders, events or refunds of the other.

        Only the key shows the mode: Razorpay's events do not contain it.
        Source: https://razorpay.com/docs/payments/dashboard/account-settings/api-keys/
        """
        return "live" if self.key_id.startswith("rzp_live_") else "test"


class WebPushConfig(_Settings):
    """The app's identity for push services (VAPID, RFC 8292)."""

    private_key: Annotated[ec.EllipticCurvePrivateKey, BeforeValidator(_vapid_key)] = Field(
        repr=False,
        validation_alias="VAPID_PRIVATE_KEY",
        description="the private key that `npx web-push generate-vapid-keys` prints",
    )
    subject: str = Field(
        pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://[^\s/]+\S*)$",
        validation_alias="VAPID_SUBJECT",
        description="where push services can reach you, as mailto:ops@example.com or an https URL",
    )
    allow_loopback: bool = Field(
        default=False,
        validation_alias="PUSH_ALLOW_LOOPBACK",
        description="true or false, and not true in production: it is for tests",
    )

    @field_validator("allow_loopback")
    @classmethod
    def _is_for_tests(cls, is_allowed: bool, info: ValidationInfo) -> bool:
        _refuse_unless(not is_allowed or info.data.get("app_env") != "production")
        return is_allowed


class Config(_Settings):
    """The configuration of one app; `razorpay` and `web_push` are None while those are off."""

    supabase_url: Annotated[str, AfterValidator(_origin)] = Field(
        description="the project's URL without a path, for example https://abcdefgh.supabase.co"
    )
    supabase_anon_key: Annotated[SecretStr, _key_for("anon")] = Field(
        description="the project's API key for anon"
    )
    supabase_service_role_key: Annotated[SecretStr, _key_for("service_role")] = Field(
        description="the project's API key for service_role"
    )
    supabase_jwt_secret: Annotated[SecretStr, AfterValidator(_has_32_bytes)] | None = Field(
        None,
        description="32 bytes or longer, or left out when the project signs with asymmetric keys",
    )
    # Issuers that tokens may name; empty: the project's own, as `issuers` says.
    supabase_jwt_issuers: Annotated[
        tuple[Annotated[str, Field(pattern="^[!-~]{1,255}$")], ...],
        NoDecode,
        BeforeValidator(_listed),
    ] = Field(
        (),
        validation_alias="SUPABASE_JWT_ISSUER",
        description="a comma-separated list of issuers as tokens name them, such as "
        "https://supabase.example.com/auth/v1",
    )
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)
    ] = Field(
        (),
        validation_alias="CORS_ORIGIN",
        description="a comma-separated list of origins such as https://app.example.com, "
        "without a wildcard",
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)
    ] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    host: Annotated[str, AfterValidator(_address)] = Field(
        "127.0.0.1",
        description="an IP address to listen on, such as 127.0.0.1 (this machine only) or 0.0.0.0 "
        "(every address)",
    )
    port: int = Field(5000, ge=1, le=65535, description="a whole number from 1 to 65535")
    razorpay: RazorpayConfig | None = None
    web_push: WebPushConfig | None = None

    @property
    def auth_url(self) -> str:
        """The address of the project's Auth."""
        return f"{self.supabase_url}/auth/v1"

    @property
    def issuers(self) -> tuple[str, ...]:
        """The issuers whose tokens are accepted: those that are set, else Auth at the URL.

        All names of the loopback address are accepted: a local project's tokens name 127.0.0.1,
        also when SUPABASE_URL has another one.
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

        Self-hosted Auth writes none unless GOTRUE_JWT_ISSUER is set. A shared secret belongs to one
        project, so its signature proves the issuer; a key set proves nothing about it.
        """
        return not self.supabase_jwt_issuers and self.supabase_jwt_secret is not None


def load_config(environment: Mapping[str, str]) -> Config:
    """Read the settings; an empty value counts as missing, and quotes around one do not count.

    Raises:
        ConfigError: with one sentence for every setting that is missing or malformed.
    """
    # A shell that reads .env takes the quotes off; `docker run --env-file` does not.
    bare = {name.lower(): _QUOTED.sub(r"\2", value.strip()) for name, value in environment.items()}
    given = {name: value for name, value in bare.items() if value}
    problems: list[str] = []
    config = _read(Config, given, problems)
    groups: dict[str, _Settings | None] = {}
    # All of Razorpay's credentials, or none and payments are off; the same for pushes.
    of_razorpay = [
        name for name in given if name.startswith("razorpay_") and name != "razorpay_base_url"
    ]
    if given.get("app_env", "").lower() == "production" or of_razorpay:
        why = f"{of_razorpay[0].upper()} is set" if of_razorpay else "APP_ENV is production"
        groups["razorpay"] = _read(RazorpayConfig, given, problems, f"it is needed because {why}")
    if {"vapid_private_key", "vapid_subject"} & given.keys():
        groups["web_push"] = _read(WebPushConfig, given, problems)
    if config is None or problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return config.model_copy(update=groups)


def _read(
    group: type[_Group], given: Mapping[str, str], problems: list[str], why: str = ""
) -> _Group | None:
    try:
        return group(environment=given)  # type: ignore[call-arg]
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name, says = describe(group, str(fault["loc"][0]))
            is_missing = fault["type"] == "missing"
            reason = (
                f"is missing: {why or f'set it to {says}'}" if is_missing else f"must be {says}"
            )
            problems.append(f"{name} {reason}.")
        return None


def describe(group: type[BaseSettings], place: str) -> tuple[str, str]:
    """The setting's name and description, by the field or alias that an error names."""
    for name, field in group.model_fields.items():
        alias = field.validation_alias
        setting = alias if isinstance(alias, str) else f"{group.model_config['env_prefix']}{name}"
        if place in (name, alias):
            return setting.upper(), field.description or ""
    raise LookupError(place)
