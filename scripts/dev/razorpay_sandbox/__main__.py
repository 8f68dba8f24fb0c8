"""`python -m scripts.dev.razorpay_sandbox`: serve the sandbox until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from scripts.dev.local_supabase.ports import port_number, require_free
from scripts.dev.local_supabase.postgres import StackError
from scripts.dev.razorpay_sandbox.config import LOOPBACK, SettingsError, read_settings
from scripts.dev.razorpay_sandbox.serving import make_server


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; 1 with one sentence on stderr when it cannot."""
    parser = argparse.ArgumentParser(
        prog="razorpay_sandbox",
        description="A stand-in for Razorpay on loopback, for tests and the demo. No money moves.",
    )
    parser.add_argument("--port", type=port_number, required=True, help="of 127.0.0.1")
    parser.add_argument("--webhook-url", help="where events go; without it they are lost")
    args = parser.parse_args(argv)
    try:
        settings = read_settings(os.environ, args.webhook_url)
        require_free(args.port, "--port")
    except (SettingsError, StackError) as error:
        print(f"razorpay_sandbox: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"Razorpay sandbox on http://{LOOPBACK}:{args.port}: no money moves", flush=True)  # noqa: T201
    with suppress(KeyboardInterrupt):  # Ctrl-C: uvicorn has stopped, and says so
        make_server(settings, args.port).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
