"""The steps of the image, run as the Dockerfile has them: it starts and takes a webhook."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scripts.dev.local_supabase import postgres
from tests.support.stacks import ROOT, free_port
from tests.webhooks.events import WEBHOOK_SECRETS, sign
from tests.webhooks.support import RAZORPAY, FakeSupabase, Gunicorn, settings

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PATIENCE = 60.0


def instruction(name: str) -> str:
    """What follows an instruction that stands once in the Dockerfile."""
    (found,) = re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)
    return str(found)


def test_the_image_installs_what_it_copies_and_nothing_for_tests() -> None:
    (copied,) = re.findall(r"^COPY (requirements\S*) ", DOCKERFILE, re.MULTILINE)
    assert f"-r {copied}" in instruction("RUN")
    named = (ROOT / copied).read_text("utf-8")
    assert "pytest" not in named
    # What a user installs has all of it, in the same versions.
    assert f"-r {copied}" in (ROOT / "requirements.txt").read_text("utf-8")


def test_the_builder_is_given_exactly_what_the_image_copies() -> None:
    given = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    assert given == re.findall(r"^COPY (\S+) ", DOCKERFILE, re.MULTILINE)


def test_the_health_check_asks_the_app_itself_also_where_a_proxy_is_set(server: Gunicorn) -> None:
    (command,) = re.findall(r"^HEALTHCHECK .*? CMD (\[(?:.*\\\n)*.*\])$", DOCKERFILE, re.MULTILINE)
    words = json.loads(command.replace("\\\n", ""))
    assert words.pop(0) == "python"

    def status(port: int) -> int:
        environment = {"PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
        process = subprocess.run(  # noqa: S603
            [sys.executable, *words], env=environment, stderr=subprocess.DEVNULL, check=False
        )
        return process.returncode

    assert (status(server.port), status(free_port())) == (0, 1)


@pytest.mark.long
def test_the_images_steps_make_an_app_that_takes_a_webhook(
    supabase: FakeSupabase, tmp_path: Path
) -> None:
    # FROM and WORKDIR: a fresh Python, an empty folder.
    work = tmp_path / "app"
    work.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "python")], check=True)  # noqa: S603
    binaries = tmp_path / "python" / "bin"
    for source in re.findall(r"^COPY (\S+) \S+$", DOCKERFILE, re.MULTILINE):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, work / source)
        else:
            shutil.copy(ROOT / source, work / source)
    path = {"PATH": f"{binaries}:/usr/bin:/bin"}
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HOME"))}
    subprocess.run(  # noqa: S602  the Dockerfile's own line
        instruction("RUN"), shell=True, cwd=work, env={**kept, **path}, check=True
    )
    given = dict(part.split("=", 1) for part in instruction("ENV").split())
    port = str(free_port())
    environment = {
        **given,
        **settings(supabase.url, **(RAZORPAY | WEBHOOK_SECRETS)),
        # The stand-ins speak http, which production refuses.
        "RAZORPAY_BASE_URL": "https://api.razorpay.com",
        "HOST": "127.0.0.1",
        "PORT": port,
    }
    command = json.loads(instruction("CMD"))
    server = subprocess.Popen(  # noqa: S603
        [str(binaries / command[0]), *command[1:]], cwd=work, env={**environment, **path}
    )
    try:
        url = f"http://127.0.0.1:{port}"

        def is_up() -> bool:
            try:
                return httpx.get(f"{url}/healthz").status_code == 200
            except httpx.HTTPError:
                return False

        postgres.wait_until(is_up, PATIENCE, "the image's app does not start")
        body = b'{"event": "order.paid"}'
        answer = httpx.post(
            f"{url}/v1/webhooks/razorpay",
            content=body,
            headers={"X-Razorpay-Signature": sign(body)},
        )
        assert (answer.status_code, answer.json()) == (200, {"outcome": "applied"})
    finally:
        server.terminate()
        server.wait(30)
