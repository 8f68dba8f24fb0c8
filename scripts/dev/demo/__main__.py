"""Starts everything on this machine, plays the demo, says where everything is, and serves."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from examples.python.parley_client import ParleyError
from scripts.dev.demo import web
from scripts.dev.demo.gateway import WEBHOOK_PATH, make_keys, make_push_keys
from scripts.dev.demo.places import Places, keep_people, print_places, print_samples, web_config
from scripts.dev.demo.scenes import SCENES
from scripts.dev.demo.services import (
    LOOPBACK,
    ROOT,
    ServiceError,
    await_service,
    end_orphan,
    open_service,
    open_stack,
)
from scripts.dev.demo.stage import Stage, open_stage
from scripts.dev.local_supabase.ports import port_number, require_free
from scripts.dev.local_supabase.postgres import StackError

# What Python is told to start the app.
APP = ("-m", "gunicorn", "-c", "webhooks/gunicorn_conf.py")


def main(argv: Sequence[str] | None = None) -> int:
    """Run until done or told to stop; 0 when all went well, 1 with one sentence otherwise."""
    args = _parser().parse_args(argv)
    # The SDK reports every lost connection as an error; the demo loses one on purpose.
    logging.getLogger("realtime").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_main(args))
    except (ServiceError, StackError) as error:
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
    for name, default, whose in (
        ("--port", None, "the local Supabase (default 54321)"),
        ("--db-port", None, "its Postgres (default 54322)"),
        ("--app-port", 5000, "the app (default 5000)"),
        ("--sandbox-port", 5001, "the payment sandbox (default 5001)"),
        ("--web-port", 3000, "the web client (default 3000)"),
    ):
        parser.add_argument(name, type=port_number, default=default, help=f"of {whose}")
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
    places = Places(args.data_dir, args.app_port, args.sandbox_port, args.web_port)
    keys = make_keys(places.sandbox_url)
    push_keys = make_push_keys(args.data_dir / "vapid.key")
    for lock in (places.app_lock, places.sandbox_lock, places.web_lock):
        await end_orphan(lock)
    require_free(args.app_port, "--app-port")
    require_free(args.sandbox_port, "--sandbox-port")
    require_free(args.web_port, "--web-port")
    _say("Starting the local Supabase")
    async with open_stack(args.data_dir / "supabase", options, reset=args.reset) as stack:
        _say("Starting the Flask app, and a sandbox in Razorpay's place")
        settings = _app_settings(stack, places) | keys | push_keys.settings
        # The sandbox ends first: the app waits a while for whoever keeps a connection to it.
        async with (
            open_service(APP, settings, places.app_log, places.app_lock) as app,
            open_service(
                _sandbox(places), keys, places.sandbox_log, places.sandbox_lock
            ) as sandbox,
        ):
            await await_service(app, "app", f"{places.app_url}/readyz", places.app_log)
            await await_service(sandbox, "sandbox", places.sandbox_ready, places.sandbox_log)
            built = asyncio.create_task(web.build(places.log_of("web")))
            try:
                stage = None if args.no_demo else await _play(stack, places.app_url, keys, started)
                people = keep_people(args.data_dir / "people.json", stage, reset=args.reset)
                config = web_config(places, stack, push_keys.public, people)
                async with _open_web(built, places, config) as served:
                    if args.once:
                        return
                    print_places(places, stack, keys, is_web_up=served is not None)
                    if stage:
                        print_samples(places, stack, stage)
                    services = {"app": app, "sandbox": sandbox}
                    await _serve(services | ({"web": served} if served else {}), places)
            finally:
                built.cancel()


@asynccontextmanager
async def _open_web(
    built: asyncio.Task[Path], places: Places, config: Mapping[str, object]
) -> AsyncIterator[Process | None]:
    """The server of the web client once it is built; None, and a sentence, when it cannot be."""
    try:
        folder = await built
    except ServiceError as error:
        _say(f"run: {error}")
        yield None
        return
    arguments = (
        *("-m", "scripts.dev.demo.web", "--port", str(places.web_port)),
        *("--folder", str(folder)),
    )
    settings = {web.SETTINGS: json.dumps(config)}
    log = places.log_of("web")
    async with open_service(arguments, settings, log, places.web_lock) as served:
        await await_service(served, "web client", f"{places.web_url}/config.json", log)
        yield served


def _sandbox(places: Places) -> tuple[str, ...]:
    where = ("--port", str(places.sandbox_port))
    webhook = ("--webhook-url", f"{places.app_url}{WEBHOOK_PATH}")
    return ("-m", "scripts.dev.razorpay_sandbox", *where, *webhook)


def _app_settings(stack: Mapping[str, str], places: Places) -> dict[str, str]:
    return {
        "SUPABASE_URL": stack["API_URL"],
        "SUPABASE_ANON_KEY": stack["ANON_KEY"],
        "SUPABASE_SERVICE_ROLE_KEY": stack["SERVICE_ROLE_KEY"],
        "SUPABASE_JWT_SECRET": stack["JWT_SECRET"],
        "SUPABASE_JWT_ISSUER": "",
        "HOST": LOOPBACK,
        "PORT": str(places.app_port),
        "CORS_ORIGIN": ",".join(places.web_origins),
    }


async def _play(
    stack: Mapping[str, str], app_url: str, keys: Mapping[str, str], started: float
) -> Stage:
    """Play every scene; returns what is left of the stage: its people and what they made."""
    async with open_stage(stack, app_url, keys) as stage:
        for title, scene in SCENES:
            stage.head(title)
            await scene(stage)
        if stage.first_delivery:
            took = stage.first_delivery - started
            _say(f"\nFrom start to the first delivered message: {took:.1f} s")
        return stage


async def _serve(services: Mapping[str, Process], places: Places) -> None:
    _say("Serving until Ctrl-C.")
    ends = {asyncio.create_task(process.wait(), name=name) for name, process in services.items()}
    try:
        (ended, *_), _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
    name = ended.get_name()
    raise ServiceError(f"The {name} ended; its last words are in {places.log_of(name)}.")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
