"""Streams what the database commits, in commit order, from a temporary replication slot."""

from __future__ import annotations

import asyncio
import logging
import secrets
import struct
from collections.abc import Callable

import psycopg
from psycopg import generators, pq, waiting

from scripts.dev.local_supabase.realtime.pgoutput import Change, Decoder

PUBLICATIONS = "supabase_realtime,supabase_realtime_messages_publication"
RECONNECT_PAUSE = 0.3
# Seconds until an idle wait looks again; psycopg's default is to look without a pause.
PATIENCE = 60.0

log = logging.getLogger(__name__)


async def follow(dsn: str, handle: Callable[[Change], None], ready: asyncio.Event) -> None:
    """Hand every committed change to `handle`, for ever; connect again when the database is back.

    The slot lives as long as its connection, so what is committed while there is none is never
    seen, as on the real server. `ready` is set while the stream runs.

    Args:
        dsn: connection URL of a role that may replicate.
        handle: must not block.
        ready: an event of the caller's.
    """
    while True:
        try:
            await _stream(dsn, handle, ready)
        except psycopg.Error as error:
            log.info("replication stopped: %s", error)
        except Exception:
            log.exception("replication stopped at a message it could not handle")
        finally:
            ready.clear()
        await asyncio.sleep(RECONNECT_PAUSE)


async def _stream(dsn: str, handle: Callable[[Change], None], ready: asyncio.Event) -> None:
    connection = await psycopg.AsyncConnection.connect(
        dsn, autocommit=True, replication="database", application_name="realtime_replication"
    )
    try:
        slot = f"supabase_realtime_messages_replication_slot_{secrets.token_hex(4)}"
        await connection.execute(
            f"CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT".encode()
        )
        await _start(connection.pgconn, slot)
        ready.set()
        await _receive(connection.pgconn, handle)
    finally:
        # Not `close()`: it would wait for the end of a stream that has none.
        connection.pgconn.finish()


async def _start(pgconn: pq.abc.PGconn, slot: str) -> None:
    pgconn.send_query(
        f"START_REPLICATION SLOT {slot} LOGICAL 0/0 "
        f"(proto_version '1', publication_names '{PUBLICATIONS}')".encode()
    )
    (result,) = await waiting.wait_async(generators.execute(pgconn), pgconn.socket, PATIENCE)
    if result.status != pq.ExecStatus.COPY_BOTH:
        raise psycopg.OperationalError(result.get_error_message())


async def _receive(pgconn: pq.abc.PGconn, handle: Callable[[Change], None]) -> None:
    decoder = Decoder()
    while True:
        data = await waiting.wait_async(generators.copy_from(pgconn), pgconn.socket, PATIENCE)
        if not isinstance(data, memoryview):
            raise psycopg.OperationalError("the database ended the stream")
        message = bytes(data)
        if message[:1] == b"w":
            change = decoder.feed(message[25:])
            if change is not None:
                handle(change)
            if message[25:26] == b"C":
                _confirm(pgconn, message[9:17])
        elif message[:1] == b"k":
            # Answered at once, asked for or not: a database that shuts down waits for it.
            _confirm(pgconn, message[1:9])


def _confirm(pgconn: pq.abc.PGconn, position: bytes) -> None:
    status = b"r" + position * 3 + struct.pack(">qB", 0, 0)
    pgconn.put_copy_data(status)
    pgconn.flush()
