"""Errors in Storage's form: four keys of JSON, nearly always with HTTP status 400."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from starlette.responses import Response


class StorageError(Exception):
    """A refusal. `said` is the status in the body; the one of HTTP is another matter."""

    def __init__(
        self, said: int, error: str, code: str, message: str, *, status: int = 400
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"statusCode": str(said), "error": error, "message": message, "code": code}

    def response(self) -> Response:
        """The answer to send."""
        return json_response(self.body, self.status)


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON, which may carry what a client sent: also half a letter."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(body, status, headers, media_type="application/json; charset=utf-8")


def no_such_bucket() -> StorageError:
    """No bucket, or none that the caller may see."""
    return StorageError(404, "Bucket not found", "NoSuchBucket", "Bucket not found")


def no_such_key() -> StorageError:
    """No object, or none that the caller may see."""
    return StorageError(404, "not_found", "NoSuchKey", "Object not found")


def denied(message: str, status: int = 400) -> StorageError:
    """The caller has no right to it."""
    return StorageError(403, "Unauthorized", "AccessDenied", message, status=status)


def duplicate(code: str) -> StorageError:
    """The name is taken; `code` says of what."""
    return StorageError(409, "Duplicate", code, "The resource already exists")


def too_large() -> StorageError:
    """The bytes are more than the bucket, or the project, takes."""
    said = "The object exceeded the maximum allowed size"
    return StorageError(413, "Payload too large", "EntityTooLarge", said)


def bad_type(message: str) -> StorageError:
    """A type that is none, or that the bucket does not take."""
    return StorageError(415, "invalid_mime_type", "InvalidMimeType", message)


def bad_request(message: str, error: str = "Error") -> StorageError:
    """A request that is not formed as it must be."""
    return StorageError(400, error, "InvalidRequest", message)


def bad(code: str, message: str) -> StorageError:
    """A value that cannot be used, named by its code."""
    return StorageError(400, code, code, message)


def from_database(error: psycopg.Error) -> StorageError:
    """The answer to an error raised in the database, by Postgres, a policy or a trigger."""
    code, message = error.sqlstate, error.diag.message_primary or str(error)
    match code:
        case "42501":
            rls = "row-level security" in message
            return denied("new row violates row-level security policy" if rls else message)
        case "22P02":
            return bad("InvalidParameter", message)
        case "23505":
            return duplicate("ResourceAlreadyExists")
        case "23503" if "still referenced" in (error.diag.message_detail or ""):
            said = "The resource cannot be deleted due to a foreign key constraint"
            return StorageError(409, "ResourceReferenced", "ResourceReferenced", said)
        case "23503":
            said = "The related resource does not exist"
            return StorageError(404, "InvalidRequest", "InvalidRequest", said)
        case "55P03":
            said = "The resource is locked"
            return StorageError(423, "ResourceLocked", "ResourceLocked", said)
        case "57014":
            return unavailable()
        case None if isinstance(error, psycopg.OperationalError):
            return unavailable()
    # Without a code it never reached the database: psycopg refuses text with a NUL in it.
    said = f"database error, code: {code or '22021'}"
    return StorageError(500, "DatabaseError", "DatabaseError", said, status=500)


def unavailable() -> StorageError:
    """The database does not answer."""
    said = "The connection to the database timed out"
    return StorageError(544, "DatabaseTimeout", "DatabaseTimeout", said, status=544)
