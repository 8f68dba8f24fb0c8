"""Building the client: once for the same sources, and one sentence when it cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts.dev.demo import web
from scripts.dev.demo.services import ServiceError
from tests.support.stacks import free_port
from tests.web.people import build


def test_it_is_built_once_for_the_same_sources(built: Path, tmp_path: Path) -> None:
    page = built / "index.html"
    before = page.stat().st_mtime_ns
    assert build(tmp_path / "log") == built
    assert page.stat().st_mtime_ns == before


def test_without_the_registry_it_says_so_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "examples" / "web"
    left_out = shutil.ignore_patterns("node_modules", "dist*", ".dist*", ".lock")
    shutil.copytree(web.CLIENT, client, ignore=left_out)
    shutil.copytree(web.CLIENT.parent / "javascript", client.parent / "javascript")
    monkeypatch.setattr(web, "CLIENT", client)
    monkeypatch.setattr(web, "DIST", client / "dist")
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free_port()}/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(ServiceError, match="is the npm registry reachable") as refused:
        build(tmp_path / "log")
    assert len(str(refused.value).splitlines()) == 1
    assert (tmp_path / "log").stat().st_size > 0
