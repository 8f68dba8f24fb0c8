"""Starts everything on this machine, plays the demo, says where everything is, and serves."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from examples.python.parley_client import ParleyError
from scripts.demo.scenes import SCENES
from scripts.demo.services import (
    LOOPBACK,
    ROOT,
    ServiceError,
    end_orphan,
    open_app,
    open_stack,
    require_free,
)
from scripts.demo.stage import PASSWORD, open_stage


def main(argv: Sequence[str] | None = None) -> int:
    """Run until done or told to stop; 0 when all went well, 1 with one sentence otherwise."""
    args = _parser().parse_args(argv)
    # The SDK reports every lost connection as an error; the demo loses one on purpose.
    logging.getLogger("realtime").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_main(args))
    except ServiceError as error:
        if error.args:
            _say(f"run: {error}")
    except (AssertionError, ParleyError, TimeoutError) as error:
        _say(f"run: The demo failed: {error or type(error).__name__}")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop everything after the demo")
    parser.add_argument("--no-demo", action="store_true", help="only serve")
    parser.add_argument("--reset", action="store_true", help="delete all data first")
    parser.add_argument(
        "--data-dir", type=Path, default=ROOT / ".local", help="data and logs (default .local)"
    )
    parser.add_argument("--port", type=int, help="of the local Supabase (default 54321)")
    parser.add_argument("--db-port", type=int, help="of its Postgres (default 54322)")
    parser.add_argument("--app-port", type=int, default=5000, help="of the app (default 5000)")
    return parser


async def _main(args: argparse.Namespace) -> int:
    work = asyncio.create_task(_run(args))
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, work.cancel)
    with suppress(asyncio.CancelledError):
        await work
    _say("\nStopped; the data stays.")
    return 0


async def _run(args: argparse.Namespace) -> None:
    started = float(os.environ.get("PARLEY_STARTED") or time.time())
    args.data_dir.mkdir(parents=True, exist_ok=True)
    ports = {"--port": args.port, "--db-port": args.db_port}
    options = [f"{name}={port}" for name, port in ports.items() if port]
    app_log = args.data_dir / "app.log"
    app_lock = args.data_dir / f"app-{args.app_port}.lock"
    await end_orphan(app_lock)
    require_free(args.app_port)
    _say("Starting the local Supabase")
    async with open_stack(args.data_dir / "supabase", options, reset=args.reset) as stack:
        _say("Starting the Flask app")
        app_url = f"http://{LOOPBACK}:{args.app_port}"
        async with open_app(stack, args.app_port, app_log, app_lock) as app:
            emails: dict[str, str] = {}
            if not args.no_demo:
                emails = await _play(stack, app_url, started)
            _print_summary(stack, app_url, app_log, emails)
            if not args.once:
                await _serve(app, app_log)


async def _play(stack: dict[str, str], app_url: str, started: float) -> dict[str, str]:
    """Play every scene; returns the e-mail addresses of the people in them."""
    async with open_stage(stack, app_url) as stage:
        for title, scene in SCENES:
            stage.head(title)
            await scene(stage)
        if stage.first_delivery:
            took = stage.first_delivery - started
            _say(f"\nFrom start to the first delivered message: {took:.1f} s")
        return stage.emails


def _print_summary(
    stack: dict[str, str], app_url: str, app_log: Path, emails: dict[str, str]
) -> None:
    url, key = stack["API_URL"], stack["ANON_KEY"]
    print(f"""
Up
  Supabase   {url}    REST {url}/rest/v1, Auth {url}/auth/v1
  Realtime   {stack["REALTIME_URL"]}
  Postgres   {stack["DB_URL"]}
  Flask app  {app_url}     its log: {app_log}

Keys (of this machine only)
  ANON_KEY={key}
  SERVICE_ROLE_KEY={stack["SERVICE_ROLE_KEY"]}
""")  # noqa: T201
    if emails:
        print(f"""Try it (the people of the demo have the password {PASSWORD})
  KEY={key}
  TOKEN=$(curl -s '{url}/auth/v1/token?grant_type=password' -H "apikey: $KEY" \\
    -H 'Content-Type: application/json' \\
    -d '{{"email": "{emails["asha"]}", "password": "{PASSWORD}"}}' \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl -s {url}/rest/v1/rpc/get_conversations -H "apikey: $KEY" \\
    -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{{}}'
  curl -s '{url}/rest/v1/messages?select=seq,message&order=seq' -H "apikey: $KEY" \\
    -H "Authorization: Bearer $TOKEN"
  curl -s -X POST {app_url}/v1/session/cleanup -H "Authorization: Bearer $TOKEN"
  .venv/bin/python -m examples.python.play_deal {url} $KEY \\
    --service-key {stack["SERVICE_ROLE_KEY"]}
""")  # noqa: T201


async def _serve(app: Process, app_log: Path) -> None:
    _say("Serving until Ctrl-C.")
    await app.wait()
    raise ServiceError(f"The app ended; its last words are in {app_log}.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
