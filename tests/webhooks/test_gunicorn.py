"""The process: how it starts, refuses to start, and ends."""

from __future__ import annotations

import json
import os
import runpy
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from tests.support.stacks import free_port
from tests.webhooks.support import (
    ROOT,
    VAPID,
    FakeSupabase,
    running_gunicorn,
    settings,
    start_gunicorn,
    user_token,
    wait_until,
)


def test_bad_settings_end_it_with_one_sentence_each() -> None:
    process = start_gunicorn({"PORT": "http"})
    written, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in written
    faults = [line for line in written.splitlines() if line.startswith("- ")]
    names = ["SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY", "PORT"]
    assert [fault.split()[1] for fault in faults] == names


def test_sigterm_lets_a_running_request_finish_and_leaves_nothing_behind(
    fake: FakeSupabase, tmp_path: Path
) -> None:
    release = threading.Event()
    fake.on_rpc("login_cleanup", body={"expired": 1}, release=release)
    headers = {"Authorization": f"Bearer {user_token(fake.url)}"}
    environment = settings(fake.url, TMPDIR=str(tmp_path))
    with ThreadPoolExecutor(1) as pool, running_gunicorn(environment, free_port()) as server:
        url = f"{server.url}/v1/session/cleanup"
        answer = pool.submit(httpx.post, url, headers=headers, timeout=30)
        assert fake.arrived.wait(20)
        assert list(tmp_path.glob("parley-metrics-*")) != []
        os.kill(server.process.pid, signal.SIGTERM)
        server.wait_for(lambda line: "Handling signal: term" in line.get("message", ""))
        release.set()
        assert answer.result(30).json() == {"expired": 1}
        assert server.process.wait(30) == 0
        assert list(tmp_path.glob("parley-metrics-*")) == []


def test_sigterm_lets_a_round_of_pushes_finish(fake: FakeSupabase) -> None:
    push = {"push_id": 1, "kind": "web_push", "token": "https://push.example.com/1", "payload": {}}
    no_keys = {"keys": {"p256dh": "no key", "auth": "none"}}
    fake.on_rpc("login_cleanup", body={})
    fake.on_rpc("take_pushes", body=[push | no_keys] * 4)
    fake.on_rpc("record_push_result", body={})
    headers = {"Authorization": f"Bearer {user_token(fake.url)}"}
    with running_gunicorn(settings(fake.url, **VAPID), free_port()) as server:
        httpx.post(f"{server.url}/v1/session/cleanup", headers=headers, timeout=30)
        wait_until(lambda: fake.asked("take_pushes"))
        os.kill(server.process.pid, signal.SIGTERM)
        wait_until(lambda: sum("Worker exiting" in line for line in server.lines) == 2)
        before = len(fake.asked("take_pushes"))
        wait_until(
            lambda: len(fake.asked("take_pushes")) > before or server.process.poll() is not None
        )
        fake.on_rpc("take_pushes", body=[])
        assert server.process.wait(30) == 0
    lines = [json.loads(line) for line in server.lines]
    assert "drain_broke" not in {line["event"] for line in lines}
    taken = sum(line["taken"] for line in lines if line["event"] == "pushes_drained")
    assert taken == len(fake.asked("record_push_result")) > 0


def test_no_worker_is_replaced_while_it_is_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Each one leaves its files of numbers behind, and every scrape reads them all.
    environment = settings("http://127.0.0.1:9", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    monkeypatch.setattr(os, "environ", environment)
    assert "max_requests" not in runpy.run_path(str(ROOT / "webhooks/gunicorn_conf.py"))


def test_numbers_of_an_earlier_run_are_forgotten(fake: FakeSupabase, tmp_path: Path) -> None:
    name, labels = "parley_http_requests", ["endpoint", "status"]
    key = mmap_key(name, f"{name}_total", labels, ["unmatched", "404"], "of an earlier run")
    earlier = MmapedDict(str(tmp_path / "counter_1.db"))  # type: ignore[no-untyped-call]
    earlier.write_value(key, 5.0, 0.0)  # type: ignore[no-untyped-call]
    earlier.close()  # type: ignore[no-untyped-call]
    environment = settings(fake.url, PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    with running_gunicorn(environment, free_port()) as server:
        httpx.get(f"{server.url}/v1/nothing", timeout=30)
        numbers = httpx.get(f"{server.url}/metrics", timeout=30).text
    wanted = 'parley_http_requests_total{endpoint="unmatched",status="404"} 1.0'
    assert wanted in numbers.splitlines()
