"""The bytes, one file per version, each named by a UUID of ours: no name of a client's is a path.

A file is written in `incoming` and renamed when it is whole; only then is its row written. A
process that is killed in between leaves a file that no row names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from scripts.dev.local_supabase.storage.errors import StorageError, too_large
from scripts.dev.local_supabase.storage.tokens import uuid_of

CHUNK = 256 * 1024


class FileGoneError(StorageError):
    """A row without a file; to clients there is no object then."""

    def __init__(self) -> None:
        super().__init__(404, "not_found", "NoSuchKey", "Object not found")


class Files:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._incoming = folder / "incoming"
        self._objects = folder / "objects"

    def prepare(self) -> None:
        """Forget what a killed process had not received to the end."""
        shutil.rmtree(self._incoming, ignore_errors=True)

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """A new file to write; it is gone at the end unless it was kept."""
        version = str(uuid4())
        self._incoming.mkdir(parents=True, exist_ok=True)
        draft = self._incoming / version
        with draft.open("xb") as file:
            try:
                yield Incoming(version, file, draft, self._place(version))
            finally:
                draft.unlink(missing_ok=True)

    def open(self, version: str | None) -> BinaryIO:
        """The file of a version, to be read. Raises FileGoneError."""
        # A row can be written by SQL, so its version can be any text.
        if uuid_of(version) is None:
            raise FileGoneError
        try:
            return self._place(str(version)).open("rb")
        except FileNotFoundError as error:
            raise FileGoneError from error

    def copy(self, version: str) -> str:
        """A second name for the same bytes, which never change. Raises as `open` does."""
        self.open(version).close()
        other = str(uuid4())
        place = self._place(other)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self._place(version), place)
        except FileNotFoundError as error:
            raise FileGoneError from error
        return other

    def remove(self, versions: Iterable[str | None]) -> None:
        """Delete the files of rows that are gone."""
        for version in versions:
            if uuid_of(version) is not None:
                self._place(str(version)).unlink(missing_ok=True)

    def _place(self, version: str) -> Path:
        return self._objects / version[:2] / version


class Incoming:
    """A file that is being received: its version, and what is known of its bytes."""

    def __init__(self, version: str, file: BinaryIO, draft: Path, place: Path) -> None:
        self.version = version
        self.size = 0
        self._file, self._draft, self._place = file, draft, place
        self._digest = hashlib.md5(usedforsecurity=False)

    @property
    def etag(self) -> str:
        """The quoted MD5 of what was received."""
        return f'"{self._digest.hexdigest()}"'

    async def receive(self, chunks: AsyncIterator[bytes], limit: int | None) -> None:
        """Write the chunks. Raises StorageError when they are more than the limit."""
        async for chunk in chunks:
            self.size += len(chunk)
            if limit is not None and self.size > limit:
                raise too_large()
            self._digest.update(chunk)
            self._file.write(chunk)

    async def keep(self) -> None:
        """Bring the whole file to where it will be read."""
        await run_in_threadpool(self._keep)

    def _keep(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._place.parent.mkdir(parents=True, exist_ok=True)
        self._draft.rename(self._place)


def chunks_of(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    """A part of an open file, which is closed at the end."""
    with file:
        file.seek(start)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk
