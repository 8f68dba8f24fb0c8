"""One request: the server's parts, the names in its path, and its transactions."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from starlette.requests import Request

from scripts.dev.local_supabase.config import Settings
from scripts.dev.local_supabase.storage.bodies import Schema, check, read_json
from scripts.dev.local_supabase.storage.errors import StorageError, bad, no_such_bucket, no_such_key
from scripts.dev.local_supabase.storage.files import Files
from scripts.dev.local_supabase.storage.tokens import SERVER, Caller, caller_of

Pool: TypeAlias = AsyncConnectionPool[AsyncConnection[DictRow]]
Database: TypeAlias = AsyncConnection[DictRow]

MAX_SIZE = 50 * 1024 * 1024  # bytes of a file where the bucket does not say, as on the free plan
# Of ASCII alone, as S3 takes them.
KEY = re.compile(r"[\w/!\-.*'() &$@=;:+,?]+", re.ASCII)
BUCKET = re.compile(r"[\w!\-.*'() &$@=;:+,?]{1,100}", re.ASCII)

# What a policy sees, for this transaction; the last one lets the API, and nobody else, delete.
SIGN_IN = """
select
  set_config('role', %(role)s, true),
  set_config('request.jwt.claims', %(claims)s, true),
  set_config('request.method', %(method)s, true),
  set_config('request.path', %(path)s, true),
  set_config('request.headers', %(headers)s, true),
  set_config('storage.operation', %(operation)s, true),
  set_config('storage.allow_delete_query', 'true', true)
"""
OBJECT = "select * from storage.objects where bucket_id = %s and name = %s"


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[Pool]:
    """Connections of Storage's own login; none is open before the first request."""
    pool: Pool = AsyncConnectionPool(
        settings.dsn("supabase_storage_admin"),
        min_size=0,
        max_size=10,
        timeout=10.0,
        open=False,
        kwargs={
            "row_factory": dict_row,
            "autocommit": True,
            "options": "-c timezone=UTC -c statement_timeout=30s",
        },
        check=AsyncConnectionPool.check_connection,
    )
    async with pool:
        yield pool


@dataclass(frozen=True)
class Call:
    """A request and what it is about; `bucket` and `name` are empty where the path has none."""

    settings: Settings
    pool: Pool
    files: Files
    request: Request
    operation: str  # as the real server names it; a policy may ask
    how: str = ""  # "public" or "authenticated", where the path says so
    bucket: str = ""
    name: str = ""

    def caller(self) -> Caller:
        """The caller. Raises StorageError without a good token."""
        return caller_of(self.request, self.settings.jwt_secret)

    @property
    def upserts(self) -> bool:
        """Whether an upload replaces an object of the same name."""
        return self.request.headers.get("x-upsert") == "true"

    @property
    def address(self) -> str:
        """The object as signatures name it."""
        return f"{self.bucket}/{self.name}"

    async def body(self, schema: Schema) -> dict[str, Any]:
        """The JSON of the request, in the types of its schema."""
        read: dict[str, Any] = check(schema, await read_json(self.request))
        return read

    @asynccontextmanager
    async def acting(self, caller: Caller, *, keep: bool = True) -> AsyncIterator[Database]:
        """A transaction in the caller's role; `keep=False` asks the policies and rolls back."""
        settings = {
            "role": caller.role,
            "claims": json.dumps(caller.claims),
            "method": self.request.method,
            "path": self.request.scope["raw_path"].decode("latin-1"),
            "headers": json.dumps(dict(self.request.headers)),
            "operation": self.operation,
        }
        async with (
            self.pool.connection() as database,
            database.transaction(force_rollback=not keep),
        ):
            await database.execute(SIGN_IN, settings)
            yield database

    async def find_bucket(self) -> DictRow:
        """The bucket, for every caller. Raises StorageError when there is none."""
        if not is_bucket_name(self.bucket):
            raise bad_bucket_name()
        async with self.acting(SERVER) as database:
            query = "select * from storage.buckets where id = %s"
            found = await (await database.execute(query, [self.bucket])).fetchone()
        if found is None:
            raise no_such_bucket()
        return found

    async def find_object(self, caller: Caller) -> DictRow:
        """The object, if the caller may see it. Raises StorageError when not."""
        require_key(self.name)
        async with self.acting(caller) as database:
            found = await (await database.execute(OBJECT, [self.bucket, self.name])).fetchone()
        if found is None:
            raise no_such_key()
        return found


def require_key(name: str) -> None:
    """Refuse a name that no object can have."""
    if not KEY.fullmatch(name):
        raise bad("InvalidKey", f"Invalid key: {name}")


def is_bucket_name(name: str) -> bool:
    """Whether a bucket can have this name."""
    return bool(BUCKET.fullmatch(name)) and name == name.strip()


def bad_bucket_name() -> StorageError:
    """A name that no bucket can have."""
    return StorageError(400, "Invalid Input", "InvalidBucketName", "Bucket name invalid")


def iso(moment: datetime | None) -> str | None:
    """A time as JavaScript writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
