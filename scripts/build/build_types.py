"""Writes the types of the clients from supabase/schemas and from the database.

| file | written by |
|---|---|
| examples/javascript/api.d.ts | json-schema-to-typescript, from supabase/schemas |
| examples/javascript/database.d.ts | `supabase gen types`, from a throwaway database |
| examples/python/parley_types.py | datamodel-code-generator, from supabase/schemas |
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.build.render_docs import throwaway_project
from scripts.build.schemas import Schema, read_schemas

ROOT = Path(__file__).parents[2]
NODE = Path(sys.executable).parent / "node"
PACKAGES = ROOT / "tests" / "node" / "node_modules"
JSON2TS = PACKAGES / "json-schema-to-typescript" / "dist" / "src" / "cli.js"
PRETTIER = PACKAGES / "prettier" / "bin" / "prettier.cjs"
SUPABASE = PACKAGES / "supabase" / "dist" / "supabase.js"
EXAMPLES = ROOT / "examples"


def render_types() -> dict[Path, str]:
    """The text of every file, by its path."""
    return {
        EXAMPLES / "javascript" / "api.d.ts": typescript(),
        EXAMPLES / "javascript" / "database.d.ts": database(),
        EXAMPLES / "python" / "parley_types.py": python(),
    }


def document() -> Schema:
    """All schemas in one: an object with every answer, and one with every event."""
    schemas = read_schemas()
    answers = {"title": "Answers", **_object(schemas.answers)}
    events = {"title": "DatabaseEvents", **_object(schemas.events)}
    return schemas.document({"title": "Api", **_object({"answers": answers, "events": events})})


def database() -> str:
    """TypeScript types of the tables and of the arguments of the functions."""
    with throwaway_project() as dsn:
        said = run(NODE, SUPABASE, "gen", "types", "--schema=public", f"--remote={dsn}")
    types = said[said.index("export type") :]  # before it stands what it connected to
    return "// Written by `supabase gen types`.\n\n" + run(
        NODE, PRETTIER, "--parser=typescript", stdin=types
    )


def typescript() -> str:
    """TypeScript types of the answers and events."""
    written = run(
        NODE, JSON2TS, "--no-additionalProperties", "--unreachableDefinitions",
        stdin=json.dumps(_name_shapes(document())),
    )  # fmt: skip
    # What it says beside our sentences is about the JSON Schema, which nobody reads.
    return re.sub(r" \*\n \* This interface was referenced by .*\n \* via .*\n", "", written)


def python() -> str:
    """TypedDicts of the answers and events."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "api.json", Path(folder) / "api.py"
        source.write_text(json.dumps(_open(document())), "utf-8")
        run(
            sys.executable, "-m", "datamodel_code_generator",
            "--input", source, "--output", target, "--input-file-type", "jsonschema",
            "--output-model-type", "typing.TypedDict", "--target-python-version", "3.11",
            "--use-title-as-name", "--use-schema-description", "--use-standard-collections",
            "--use-union-operator", "--enum-field-as-literal", "all", "--disable-timestamp",
            "--formatters", "ruff-format",
        )  # fmt: skip
        return target.read_text("utf-8")


def run(*command: str | Path, stdin: str = "") -> str:
    """The output of a command.

    Raises:
        subprocess.CalledProcessError: it failed; its words are on stderr.
    """
    quiet = {"SUPABASE_TELEMETRY_DISABLED": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(  # noqa: S603
        command, input=stdin, capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, **quiet},
    )  # fmt: skip
    if done.returncode:
        print(done.stderr, file=sys.stderr)  # noqa: T201
    done.check_returncode()
    return done.stdout


def _object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object", "properties": properties, "required": list(properties),
        "additionalProperties": False,
    }  # fmt: skip


def _name_shapes(node: Any) -> Any:
    """The same with shapes by name: the generator copies one that has a sentence beside it."""
    if isinstance(node, list):
        return [_name_shapes(one) for one in node]
    if not isinstance(node, dict):
        return node
    options = node.get("anyOf", [node])
    if all("$ref" in one or one == {"type": "null"} for one in options):
        names = [one["$ref"].rpartition("/")[2] if "$ref" in one else "null" for one in options]
        about = {key: node[key] for key in ("description",) if key in node}
        return {"tsType": " | ".join(names), **about}
    return {key: _name_shapes(one) for key, one in node.items()}


def _open(node: Any) -> Any:
    """The same with room for fields of a later version, and no sentence beside a reference."""
    if isinstance(node, list):
        return [_open(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    closed = node.get("additionalProperties") is False
    return {
        key: _open(one)
        for key, one in node.items()
        if not (key == "additionalProperties" and closed)
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files, or check them; 0 when all is well, 1 with complaints on stderr otherwise."""
    parser = argparse.ArgumentParser(description="Keep the clients' types in step.")
    parser.add_argument("--check", action="store_true", help="complain instead of writing")
    args = parser.parse_args(argv)
    complaints = []
    for path, text in render_types().items():
        if not args.check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            complaints.append(
                f"{path.relative_to(ROOT)} differs from its sources: run `python -m "
                "scripts.build.build_types`."
            )
    for complaint in complaints:
        print(complaint, file=sys.stderr)  # noqa: T201
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
