"""Settings of the local stack: ports, secrets and delays, equal to those of `supabase start`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import jwt

LOOPBACK = "127.0.0.1"
STATE = "state.json"
LOCK = "api.lock"  # in the data folder; the process that serves the API holds it

# The published demo secret and keys of the Supabase CLI: every local Supabase has them.
# Source: https://supabase.com/docs/guides/local-development/cli/getting-started
DEMO_JWT_SECRET = "super-secret-jwt-token-with-at-least-32-characters-long"  # noqa: S105
DEMO_KEY_EXPIRES_AT = 1983812996
DEMO_PUBLISHABLE_KEY = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"
DEMO_SECRET_KEY = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"  # noqa: S105
# Every database role that may log in has this password, as on `supabase start`.
DATABASE_PASSWORD = "postgres"  # noqa: S105


def database_url(role: str, port: int, database: str = "postgres") -> str:
    """The connection URL of one database role of a local PostgreSQL."""
    return f"postgresql://{role}:{DATABASE_PASSWORD}@{LOOPBACK}:{port}/{database}"


@dataclass(frozen=True)
class Settings:
    """The whole configuration of one local stack. Durations are in seconds."""

    data_dir: Path
    port: int = 54321
    db_port: int = 54322
    db_name: str = "postgres"
    jwt_secret: str = DEMO_JWT_SECRET
    # Realtime answers a refused websocket after 2 s and a refused join after 5 s; tests shorten it.
    realtime_connect_refusal: float = 2.0
    realtime_join_refusal: float = 5.0
    # Events a second of the whole project: 100 on the free plan, 500 on Pro; 0 is no limit.
    realtime_events: int = 100
    access_token_lifetime: int = 3600
    # Whether UPDATE and DELETE of a table need a filter, as on Supabase, which preloads safeupdate.
    safeupdate: bool = True
    postgres_bin: str = ""

    @classmethod
    def load(cls, data_dir: Path) -> Settings:
        """The settings that `save` kept. Raises ValueError or TypeError when they are damaged."""
        kept = json.loads((data_dir / STATE).read_text(encoding="utf-8"))
        return cls(**kept | {"data_dir": data_dir})

    def save(self) -> None:
        """Keep them in the data folder for later commands."""
        whole = self.data_dir / f"{STATE}.new"
        kept = asdict(self) | {"data_dir": str(self.data_dir)}
        whole.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        whole.rename(self.data_dir / STATE)

    @property
    def api_url(self) -> str:
        """The stack's address for clients (SUPABASE_URL)."""
        return f"http://{LOOPBACK}:{self.port}"

    def dsn(self, role: str = "postgres") -> str:
        """The connection URL of one database role."""
        return database_url(role, self.db_port, self.db_name)

    def api_key(self, role: str) -> str:
        """The project's JWT for the role `anon` or `service_role`."""
        claims = {"iss": "supabase-demo", "role": role, "exp": DEMO_KEY_EXPIRES_AT}
        return jwt.encode(claims, self.jwt_secret, algorithm="HS256")
