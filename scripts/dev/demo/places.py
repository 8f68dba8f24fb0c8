"""The addresses of a run, and sample calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.demo.services import LOOPBACK
from scripts.dev.demo.stage import PASSWORD, Stage

# Whom the web client offers, and what they have to look at.
PEOPLE = {
    "asha": "Influencer, with a deal done",
    "bharat": "Brand owner, her other side",
    "dev": "Brand owner, with a deal to pay",
    "chitra": "Influencer, who waits for it",
}


@dataclass(frozen=True)
class Places:
    """The addresses and files of what runs here beside the stack, which says its own."""

    data_dir: Path
    app_port: int
    sandbox_port: int
    web_port: int

    @property
    def app_url(self) -> str:
        """The app's address."""
        return f"http://{LOOPBACK}:{self.app_port}"

    @property
    def web_url(self) -> str:
        """The web client's address."""
        return f"http://{LOOPBACK}:{self.web_port}"

    @property
    def web_origins(self) -> tuple[str, ...]:
        """Pages that may call the app: the web client, also as `npm run dev` serves it."""
        ports = (self.web_port, 5173)
        return tuple(f"http://{host}:{port}" for port in ports for host in (LOOPBACK, "localhost"))

    @property
    def sandbox_url(self) -> str:
        """The sandbox's address."""
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
    def web_lock(self) -> Path:
        """Held while the web client is served."""
        return self.data_dir / f"web-{self.web_port}.lock"

    @property
    def app_log(self) -> Path:
        """The app's log."""
        return self.log_of("app")

    @property
    def sandbox_log(self) -> Path:
        """The sandbox's log."""
        return self.log_of("sandbox")

    def log_of(self, name: str) -> Path:
        """The log of `app`, `sandbox` or `web`."""
        return self.data_dir / f"{name}.log"


def keep_people(file: Path, stage: Stage | None, *, reset: bool) -> list[dict[str, str]]:
    """The people of the one-click sign-in: of this demo, or of the last one."""
    if stage is not None:
        emails = [(name, about, stage.emails[name]) for name, about in PEOPLE.items()]
        people = [
            {"name": name.capitalize(), "about": about, "email": email, "password": PASSWORD}
            for name, about, email in emails
        ]
        file.write_text(json.dumps(people), "utf-8")
        return people
    if reset or not file.exists():
        return []
    kept: list[dict[str, str]] = json.loads(file.read_text("utf-8"))
    return kept


def web_config(
    places: Places,
    stack: Mapping[str, str],
    vapid_key: str,
    people: Sequence[Mapping[str, str]] = (),
) -> dict[str, object]:
    """The settings of the web client; examples/web/src/data/config.ts explains them."""
    return {
        "supabaseUrl": stack["API_URL"],
        "supabaseKey": stack["ANON_KEY"],
        "appUrl": places.app_url,
        "checkoutUrl": f"{places.sandbox_url}/v1/checkout.js",
        "vapidKey": vapid_key,
        "demoPeople": list(people),
    }


def print_places(
    places: Places, stack: Mapping[str, str], keys: Mapping[str, str], *, is_web_up: bool
) -> None:
    """Print what is up and where, and the keys that programs on this machine need."""
    url = stack["API_URL"]
    if is_web_up:
        print(f"\nOpen       {places.web_url}     the web client: look around in it")  # noqa: T201
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
