"""Fixtures that every test folder may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from tests.support.databases import Database, lift_template, make_template
from tests.support.kept_databases import KeptDatabase
from tests.support.limits import lift_limits, lifted_limits
from tests.support.stacks import (
    Cluster,
    Stack,
    running_cluster,
    running_stack,
    stack_from_environment,
)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """An empty throwaway PostgreSQL; `postgres.bootstrap` makes a database a Supabase project."""
    with running_cluster() as running:
        yield running


@pytest.fixture(scope="session")
def limited_template(cluster: Cluster) -> str:
    """The name of a database with our migrations, to be copied and never connected to."""
    return make_template(cluster, "parley_limited_template")


@pytest.fixture(scope="session")
def template(cluster: Cluster, limited_template: str) -> str:
    """As `limited_template`, but its users may write as much and as fast as they like."""
    return lift_template(cluster, limited_template, "parley_template")


@pytest.fixture(scope="session")
def kept_database(cluster: Cluster, template: str) -> Iterator[KeptDatabase]:
    """The database that `db` is."""
    kept = KeptDatabase(cluster, template)
    yield kept
    kept.drop()


@pytest.fixture(scope="session")
def kept_limited_database(cluster: Cluster, limited_template: str) -> Iterator[KeptDatabase]:
    """The database that `limited_db` is."""
    kept = KeptDatabase(cluster, limited_template)
    yield kept
    kept.drop()


@pytest.fixture
def db(kept_database: KeptDatabase) -> Iterator[Database]:
    """A Supabase project with our migrations and nobody in it, for the test alone.

    Its users may write as much and as fast as they like; for the limits take `limited_db`.
    """
    with kept_database.lend() as database:
        yield database
        database.check_events()


@pytest.fixture
def limited_db(kept_limited_database: KeptDatabase) -> Iterator[Database]:
    """As `db`, with the limits on writing that a project starts with."""
    with kept_limited_database.lend() as database:
        yield database
        database.check_events()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running Supabase with our migrations: the local stack, or the one the environment names.

    Its limits on writing are lifted; those of a project that is not ours come back at the end.
    """
    given = stack_from_environment()
    if given is not None:
        with lifted_limits(given.db_url):
            yield given
        return
    # Without the quota of events: all tests together are one project that never rests.
    with running_stack("--realtime-delays", "0.1", "0.1", "--realtime-events", "0") as running:
        lift_limits(running.db_url)
        yield running


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether walks and crowds take their long form: `./scripts/test --long`."""
    return bool(request.config.getoption("--long"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long` adds what takes minutes and finds little that the short form does not."""
    parser.addoption("--long", action="store_true", help="the long walks and every mutant, too")


def pytest_configure(config: pytest.Config) -> None:
    """How many examples hypothesis tries, where a test does not say; whom clients trust."""
    hypothesis.settings.register_profile("short", max_examples=30)
    hypothesis.settings.register_profile("long", max_examples=150)
    hypothesis.settings.load_profile("long" if config.getoption("--long") else "short")
    if stack_from_environment() is None:
        # The tests call this machine only, unencrypted. httpx reads a whole file of authorities for
        # each client (30 ms), but from a folder only what a connection needs.
        os.environ.pop("SSL_CERT_FILE", None)
        os.environ["SSL_CERT_DIR"] = str(config.rootpath)


# What is dear to start is started once: a stack with all that runs in front of it, the stage of a
# folder. Each group goes to one worker; the first two begin at once, the other files come last.
TOGETHER = (
    (
        *("tests/benchmarks/test_load.py", "tests/end_to_end/", "tests/market/test_live.py"),
        *("tests/web/", "tests/webhooks/test_push_delivery", "tests/webhooks/test_session_cleanup"),
    ),
    ("tests/payments/",),
    ("tests/deals/",),
    ("tests/flow/",),
)


def group_of(nodeid: str) -> int:
    """The number of the group of a test; of those in none, the one after the last."""
    found = (at for at, files in enumerate(TOGETHER) if nodeid.startswith(files))
    return next(found, len(TOGETHER))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """With `--dist loadfile`, a group is handed out as if it were one file."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


class GroupScheduling(LoadFileScheduling):  # type: ignore[misc]
    """Hands out groups, then files, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        group = group_of(nodeid)
        return str(group if group < len(TOGETHER) else super()._split_scope(nodeid))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring the groups forward; leave out the tests marked `long`, unless they are asked for."""
    items.sort(key=lambda item: group_of(item.nodeid))
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what `--long` would add."""
    if not terminalreporter.config.getoption("--long"):
        terminalreporter.write_line(
            "--long adds the tests marked long, and longer walks and crowds."
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: nothing there may be left out."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    if skipped := reporter.stats.get("skipped"):
        reporter.write_line(f"\n{len(skipped)} tests were skipped, which CI does not accept.")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
