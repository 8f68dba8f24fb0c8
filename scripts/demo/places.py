"""Where the parts of a run are, and what to call there by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.demo.services import LOOPBACK
from scripts.demo.stage import PASSWORD, Stage


@dataclass(frozen=True)
class Places:
    """The addresses and files of the app and the sandbox; the stack says its own."""

    data_dir: Path
    app_port: int
    sandbox_port: int

    @property
    def app_url(self) -> str:
        """Where the app answers."""
        return f"http://{LOOPBACK}:{self.app_port}"

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox answers as Razorpay does."""
        return f"http://{LOOPBACK}:{self.sandbox_port}"

    @property
    def sandbox_ready(self) -> str:
        """An address of the sandbox that answers 200 when it is up."""
        return f"{self.sandbox_url}/sandbox/switches"

    @property
    def app_lock(self) -> Path:
        """Held while the app runs; one for each port, since two runs may share the data."""
        return self.data_dir / f"app-{self.app_port}.lock"

    @property
    def sandbox_lock(self) -> Path:
        """Held while the sandbox runs."""
        return self.data_dir / f"sandbox-{self.sandbox_port}.lock"

    @property
    def app_log(self) -> Path:
        """What the app says."""
        return self.log_of("app")

    @property
    def sandbox_log(self) -> Path:
        """What the sandbox says."""
        return self.log_of("sandbox")

    def log_of(self, name: str) -> Path:
        """What one of them, `app` or `sandbox`, says."""
        return self.data_dir / f"{name}.log"


def print_places(places: Places, stack: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """Print what is up and where, and the keys that programs on this machine need."""
    url = stack["API_URL"]
    print(f"""
Up
  Supabase   {url}    REST {url}/rest/v1, Auth {url}/auth/v1
  Realtime   {stack["REALTIME_URL"]}
  Postgres   {stack["DB_URL"]}
  Flask app  {places.app_url}     its log: {places.app_log}
  Razorpay   {places.sandbox_url}     a sandbox, where no money moves; it forgets all at its end

Keys (of this machine only)
  ANON_KEY={stack["ANON_KEY"]}
  SERVICE_ROLE_KEY={stack["SERVICE_ROLE_KEY"]}
  RAZORPAY_KEY_ID={keys["RAZORPAY_KEY_ID"]}
""")  # noqa: T201


def print_samples(places: Places, stack: Mapping[str, str], stage: Stage) -> None:
    """Print calls to paste, of the people of the demo."""
    url, app, sandbox = stack["API_URL"], places.app_url, places.sandbox_url
    print(f"""Try it (the people of the demo have the password {PASSWORD})
  KEY={stack["ANON_KEY"]}
  sign_in() {{ curl -s '{url}/auth/v1/token?grant_type=password' -H "apikey: $KEY" \\
    -H 'Content-Type: application/json' -d '{{"email": "'$1'", "password": "{PASSWORD}"}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'; }}
  TOKEN=$(sign_in {stage.emails["dev"]})
  curl -s {url}/rest/v1/rpc/get_conversations -H "apikey: $KEY" \\
    -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{}}'
  curl -s '{url}/rest/v1/messages?select=seq,message&order=seq' -H "apikey: $KEY" \\
    -H "Authorization: Bearer $TOKEN"
  curl -s -X POST {app}/v1/session/cleanup -H "Authorization: Bearer $TOKEN"

Pay the deal that waits for it
  ORDER=$(curl -s -X POST {app}/v1/conversations/{stage.to_pay}/payment-order \\
    -H "Authorization: Bearer $TOKEN" \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["razorpay_config"]["order_id"])')
  echo "The checkout, for a browser: {sandbox}/sandbox/checkout/$ORDER"
  curl -s -X POST {sandbox}/sandbox/orders/$ORDER/pay
  curl -s -X POST {app}/v1/conversations/{stage.to_pay}/payment-refresh \\
    -H "Authorization: Bearer $TOKEN"

Play one yourself, both sides of it
  .venv/bin/python -m examples.python.play_deal {url} $KEY --app {app} --sandbox {sandbox}
""")  # noqa: T201
