"""How gunicorn runs the app: `gunicorn -c webhooks/gunicorn_conf.py`.

Settings are described at https://docs.gunicorn.org/en/stable/settings.html. The command line and
GUNICORN_CMD_ARGS win over this file.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from webhooks.config import ConfigError, load_config
from webhooks.logs import logging_config

_METRICS = "PROMETHEUS_MULTIPROC_DIR"

try:
    _settings = load_config(os.environ)
except ConfigError as error:
    sys.exit(str(error))

# prometheus-client reads this when it is first imported, which `on_starting` does.
if not os.environ.get(_METRICS):
    os.environ[_METRICS] = tempfile.mkdtemp(prefix="parley-metrics-")
    _made_directory: str | None = os.environ[_METRICS]
else:
    _made_directory = None

wsgi_app = "webhooks.app:create_app()"
bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = 2
threads = 8
# gthread restarts a worker that is stuck, never a slow request: the calls have their own timeouts.
timeout = 30
graceful_timeout = 20
keepalive = 5
limit_request_line = 2048
limit_request_fields = 50
forwarder_headers = ""  # nobody mounts the app elsewhere: SCRIPT_NAME in a request is a stranger's
# Access tokens carry all of a user's metadata, so gunicorn's own limit for a header stays: 8190.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# It cannot be made in a read-only container, and nothing here uses it.
control_socket_disable = True
logconfig_dict = logging_config(_settings.log_level)


def on_starting(_server: Any) -> None:
    """Forget the numbers of an earlier run, and load the code that all workers share.

    A directory that the operator names may hold such numbers. Each worker still makes its own app.
    """
    directory = Path(os.environ[_METRICS])
    directory.mkdir(parents=True, exist_ok=True)
    for leftover in directory.glob("*.db"):
        leftover.unlink()
    import webhooks.app  # noqa: F401

    gc.freeze()  # the workers' collectors leave what they share alone, so it stays shared


def worker_exit(_server: Any, _worker: Any) -> None:
    """Wait for rounds of the outboxes: an interpreter that is ending starts no threads for them."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


def on_exit(_server: Any) -> None:
    """Remove the directory of numbers when it was made here."""
    if _made_directory:
        shutil.rmtree(_made_directory, ignore_errors=True)
