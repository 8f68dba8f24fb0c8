"""Writes docs/API.md, docs/ERRORS.md, docs/FLOW.md with its pictures, and tables of other pages.

A throwaway PostgreSQL gets the migrations and the sources, and is asked for signatures, types,
comments, grants and the rows of the flow; the sentences come from the comments in the sources.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.build.build_migrations import BuildError, apply_sources, read_sources
from scripts.build.docs.catalog import Catalog, read_catalog
from scripts.build.docs.flow import render_flow, render_pictures
from scripts.build.docs.flow_rows import read_facts, read_flows, read_refusals
from scripts.build.docs.pages import (
    fill_blocks,
    operations_blocks,
    render_api,
    render_errors,
    security_blocks,
)
from scripts.dev.local_supabase import postgres
from scripts.dev.local_supabase.migrations import apply_migrations
from scripts.dev.local_supabase.throwaway import running_cluster

DOCS = Path(__file__).parents[2] / "docs"


def render_pages(dsn: str) -> dict[Path, str]:
    """The text of every generated page and picture, by its path.

    Args:
        dsn: connection URL of the role `postgres` for a database that has the sources applied.

    Raises:
        ValueError: a page cannot be written because something it needs is not said anywhere.
    """
    catalog = read_catalog(dsn, read_sources())
    security, operations = DOCS / "SECURITY.md", DOCS / "OPERATIONS.md"
    return {
        DOCS / "API.md": render_api(catalog),
        DOCS / "ERRORS.md": render_errors(catalog, read_refusals(dsn)),
        **render_flow_pages(dsn, catalog),
        security: fill_blocks(security.read_text("utf-8"), security_blocks(catalog)),
        operations: fill_blocks(operations.read_text("utf-8"), operations_blocks(catalog)),
    }


def render_flow_pages(dsn: str, catalog: Catalog) -> dict[Path, str]:
    """Of these the page and the pictures of the flows."""
    flows = read_flows(dsn)
    return {
        DOCS / "FLOW.md": render_flow(flows, read_facts(dsn), catalog),
        **{DOCS / "flow" / name: text for name, text in render_pictures(flows).items()},
    }


def find_stale(pages: dict[Path, str]) -> list[str]:
    """One complaint per page that is not as it should be."""
    return [
        f"docs/{path.relative_to(DOCS).as_posix()} differs from the sources: "
        "run `python -m scripts.build.render_docs`."
        for path, text in pages.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


@contextmanager
def throwaway_project() -> Iterator[str]:
    """A database with the migrations and the sources; yields its connection URL, then removes it.

    Raises:
        StackError: PostgreSQL could not be made or started.
        BuildError: PostgreSQL refused a source.
    """
    with running_cluster() as cluster:
        postgres.bootstrap(cluster.port)
        apply_migrations(cluster.dsn("postgres"))
        apply_sources(cluster.dsn("postgres"))
        yield cluster.dsn("postgres")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; 0 when all is well, 1 with complaints on stderr otherwise."""
    parser = argparse.ArgumentParser(description="Keep the generated pages in step.")
    parser.add_argument("--check", action="store_true", help="complain instead of writing")
    args = parser.parse_args(argv)
    try:
        with throwaway_project() as dsn:
            pages = render_pages(dsn)
    except (BuildError, postgres.StackError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    complaints = find_stale(pages) if args.check else []
    if not args.check:
        for path, text in pages.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    for complaint in complaints:
        print(complaint, file=sys.stderr)  # noqa: T201
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
