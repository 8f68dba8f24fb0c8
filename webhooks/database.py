"""The one way to the database and its Storage: functions and files, over the Supabase SDK."""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar
from typing import Any

import httpx
from postgrest import APIError
from storage3.exceptions import StorageApiError
from supabase import Client, create_client
from supabase.lib.client_options import SyncClientOptions

from webhooks import metrics
from webhooks.config import Config
from webhooks.http.errors import ApiError, auth_required, internal_error, unavailable
from webhooks.logs import log_event

# Razorpay waits five seconds for an answer. Each step has its own time: connecting, sending,
# waiting for the answer.
TIMEOUT_SECONDS = 4.0
CONNECT_TIMEOUT_SECONDS = 2.0
PROBE_TIMEOUT_SECONDS = 2.0

# Codes of our own functions. PostgREST's (PGRST202) and PostgreSQL's (42501) have digits.
_OUR_CODE = re.compile(r"[A-Z]+(_[A-Z]+)*")

# A failover or a full disk makes the database read-only; PostgREST answers 405.
_READ_ONLY = "25006"

# The SDK's APIError has no HTTP status and no headers, so the last response is kept here.
_last_response: ContextVar[httpx.Response | None] = ContextVar("last_response", default=None)

# The SDK has one timeout per client, and all calls share the pool below it.
_seconds_allowed: ContextVar[float | None] = ContextVar("seconds_allowed", default=None)


class Database:
    """Calls functions as a user or as the service. Safe to share between threads."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._http = httpx.Client(
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            event_hooks={"request": [_allow_time], "response": [_last_response.set]},
        )
        self._probe_http = httpx.Client(timeout=PROBE_TIMEOUT_SECONDS)

    def call_as_user(self, token: str, function: str, /, **arguments: Any) -> Any:
        """Call an RPC as the user whose access token this is; returns its JSON.

        Raises:
            ApiError: the function's refusal, with its status, code and details; 401 for a token
                that the database does not accept; 503 when there is no answer in time.
        """
        return self._call(self._client(self._http, token), function, arguments)

    def call_as_service(
        self, function: str, /, *, within: float | None = None, **arguments: Any
    ) -> Any:
        """Call an RPC as service_role, past every policy; returns its JSON.

        Args:
            function: the RPC.
            within: seconds to wait for an answer where the usual time is too long.
            arguments: the RPC's own.

        Raises:
            ApiError: as `call_as_user`, but 503 when the service key is not accepted.
        """
        earlier = _seconds_allowed.set(within)
        try:
            return self._call(self._client(self._http), function, arguments)
        except ApiError as error:
            if error.status != 401:
                raise
            log_event("service_key_refused", logging.ERROR, function=function)
            raise unavailable("The database cannot be asked right now.") from error
        finally:
            _seconds_allowed.reset(earlier)

    def delete_files(self, bucket: str, paths: list[str]) -> int:
        """Have Storage delete files, as the service; how many it deleted.

        Raises:
            ApiError: 503 when Storage refuses, or does not answer in time.
        """
        try:
            return len(self._client(self._http).storage.from_(bucket).remove(paths))
        except (StorageApiError, httpx.HTTPError) as error:
            reason = error.code if isinstance(error, StorageApiError) else type(error).__name__
            log_event("storage_failed", logging.ERROR, reason=reason)
            raise unavailable("Storage cannot be asked right now.") from error

    def is_ready(self) -> bool:
        """Whether the database answers and has our tables: one indexed row, as the service."""
        try:
            self._client(self._probe_http).table("users").select("id").limit(1).execute()
        except (APIError, httpx.HTTPError) as error:
            code = error.code if isinstance(error, APIError) else type(error).__name__
            log_event("database_not_ready", logging.WARNING, code=code)
            return False
        return True

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()
        self._probe_http.close()

    def _client(self, http: httpx.Client, token: str | None = None) -> Client:
        # A client is a few small objects around the shared pool, and one per call keeps
        # one caller's token away from the next.
        config = self._config
        secret = config.supabase_service_role_key if token is None else config.supabase_anon_key
        key = secret.get_secret_value()
        options = SyncClientOptions(
            httpx_client=http,
            headers={"Authorization": f"Bearer {token or key}"},
            auto_refresh_token=False,
            persist_session=False,
            postgrest_client_retry=False,
        )
        return create_client(config.supabase_url, key, options)

    def _call(self, client: Client, function: str, arguments: dict[str, Any]) -> Any:
        try:
            return client.rpc(function, arguments).execute().data
        except APIError as error:
            raise _refusal(error, function) from error
        except httpx.HTTPError as error:
            reason = type(error).__name__
            metrics.RPC_ERRORS.labels(function=function, code=reason).inc()
            log_event("rpc_failed", logging.ERROR, function=function, reason=reason)
            raise unavailable("The database did not answer in time.") from error


def _allow_time(request: httpx.Request) -> None:
    """Give the request the time of its call: a third of it for TCP and for TLS each."""
    seconds = _seconds_allowed.get()
    if seconds is not None:
        timeout = httpx.Timeout(seconds, connect=seconds / 3)
        request.extensions["timeout"] = timeout.as_dict()


def _refusal(error: APIError, function: str) -> ApiError:
    response = _last_response.get()
    status = response.status_code if response is not None else 500
    code = error.code or "none"  # the API gateway names none
    metrics.RPC_ERRORS.labels(function=function, code=code).inc()
    if _OUR_CODE.fullmatch(code) and 400 <= status < 500:
        return _passed_on(error, status, response)
    if status == 401:
        log_event("rpc_token_refused", logging.WARNING, function=function, code=code)
        return auth_required("The database does not accept this access token.")
    log_event("rpc_failed", logging.ERROR, function=function, code=code, status=status)
    if status >= 500 or status == 429 or code == _READ_ONLY:
        return unavailable("The database cannot do this right now.")
    return internal_error()


def _passed_on(error: APIError, status: int, response: httpx.Response | None) -> ApiError:
    retry_after = response.headers.get("Retry-After") if response is not None else None
    headers = {"Retry-After": retry_after} if retry_after else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return ApiError(status, str(error.code), error.message or "", _details(error.details), headers)


def _details(details: object) -> dict[str, Any]:
    """The details object of a refusal, which travels as JSON text."""
    try:
        parsed = json.loads(details) if isinstance(details, str) else details
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
