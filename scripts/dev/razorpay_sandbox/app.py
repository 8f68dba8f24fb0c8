"""The sandbox over HTTP: Razorpay's API under /v1, and what moves the sandbox under /sandbox."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scripts.dev.razorpay_sandbox import controls, orders, payments, refunds
from scripts.dev.razorpay_sandbox.bodies import (
    ApiError,
    order_body,
    payment_body,
    refund_body,
    refusal,
    unauthorized,
)
from scripts.dev.razorpay_sandbox.books import Body
from scripts.dev.razorpay_sandbox.checkout import checkout_page, checkout_script
from scripts.dev.razorpay_sandbox.config import Settings
from scripts.dev.razorpay_sandbox.faults import faulty
from scripts.dev.razorpay_sandbox.sandbox import Sandbox
from scripts.dev.razorpay_sandbox.switches import Operation
from scripts.dev.razorpay_sandbox.webhooks import Courier

Work = Callable[[Sandbox, Request, Body], Body]


def create_app(settings: Settings) -> Starlette:
    """A new sandbox with empty books; `app.state.sandbox` is its inside."""
    sandbox = Sandbox(settings, Courier(settings))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(sandbox.courier.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    app = Starlette(
        lifespan=lifespan,
        routes=[
            *(_api(*row) for row in API),
            *controls.routes(),
            Route("/v1/checkout.js", checkout_script),
            Route("/sandbox/checkout/{order_id}", checkout_page),
        ],
        # Checkout runs in the page of a front end, which has another origin.
        middleware=[
            Middleware(
                CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
            )
        ],
        exception_handlers={ApiError: _refuse, ValidationError: _complain},
    )
    app.state.sandbox = sandbox
    return app


def _create_order(sandbox: Sandbox, _request: Request, data: Body) -> Body:
    return orders.create_order(sandbox.books, sandbox.courier.switches, data)


def _list_orders(sandbox: Sandbox, request: Request, _data: Body) -> Body:
    return orders.list_orders(sandbox.books, request.query_params)


def _fetch_order(sandbox: Sandbox, request: Request, _data: Body) -> Body:
    return order_body(orders.get_order(sandbox.books, request.path_params["id"]))


def _fetch_order_payments(sandbox: Sandbox, request: Request, _data: Body) -> Body:
    order = orders.get_order(sandbox.books, request.path_params["id"])
    return orders.list_payments(sandbox.books, order)


def _fetch_payment(sandbox: Sandbox, request: Request, _data: Body) -> Body:
    return payment_body(payments.get_payment(sandbox.books, request.path_params["id"]))


def _create_refund(sandbox: Sandbox, request: Request, data: Body) -> Body:
    payment = payments.get_payment(sandbox.books, request.path_params["id"])
    key = request.headers.get("x-refund-idempotency")
    return refunds.create_refund(sandbox.books, sandbox.courier, payment, data, key)


def _fetch_refund(sandbox: Sandbox, request: Request, _data: Body) -> Body:
    ids = request.path_params
    return refund_body(refunds.get_refund(sandbox.books, ids["refund_id"], ids.get("id")))


def _list_refunds(sandbox: Sandbox, request: Request, _data: Body) -> Body:
    return refunds.list_refunds(sandbox.books, request.path_params["id"])


API: list[tuple[str, str, Operation, Work]] = [
    ("POST", "/v1/orders", "orders.create", _create_order),
    ("GET", "/v1/orders", "orders.list", _list_orders),
    ("GET", "/v1/orders/{id}", "orders.fetch", _fetch_order),
    ("GET", "/v1/orders/{id}/payments", "orders.payments", _fetch_order_payments),
    ("GET", "/v1/payments/{id}", "payments.fetch", _fetch_payment),
    ("POST", "/v1/payments/{id}/refund", "refunds.create", _create_refund),
    ("GET", "/v1/payments/{id}/refunds", "refunds.list", _list_refunds),
    ("GET", "/v1/payments/{id}/refunds/{refund_id}", "refunds.fetch", _fetch_refund),
    ("GET", "/v1/refunds/{refund_id}", "refunds.fetch", _fetch_refund),
]


def _api(method: str, path: str, operation: Operation, work: Work) -> Route:
    answer = partial(_answer, operation=operation, work=work)
    return Route(path, answer, methods=[method])


async def _answer(request: Request, operation: Operation, work: Work) -> Response:
    sandbox: Sandbox = request.app.state.sandbox
    _require_keys(sandbox.settings, request.headers.get("authorization", ""))
    data = await _read_body(request)
    fault = sandbox.courier.switches.take_fault(operation)
    if fault == "lost_response":
        work(sandbox, request, data)
    if fault:
        return faulty(fault, sandbox.lines)
    return JSONResponse(work(sandbox, request, data))


def _require_keys(settings: Settings, header: str) -> None:
    expected = base64.b64encode(f"{settings.key_id}:{settings.key_secret}".encode())
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "basic" or not hmac.compare_digest(given.encode(), expected):
        raise unauthorized()


async def _read_body(request: Request) -> Body:
    raw = await request.body()
    if not raw:
        return {}
    try:
        data: Any = json.loads(raw)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise refusal("The request body must be a JSON object.")
    return data


def _refuse(_request: Request, error: Any) -> Response:
    return JSONResponse(error.body, error.status)


def _complain(_request: Request, error: Any) -> Response:
    said = "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()
    )
    return JSONResponse(refusal(said).body, 400)
