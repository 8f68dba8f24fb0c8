"""Controls of the sandbox: pay, dispute, refund, switches, and the delivery of events."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scripts.dev.razorpay_sandbox import orders, payments, refunds
from scripts.dev.razorpay_sandbox.bodies import payment_body, refund_body, unknown_id
from scripts.dev.razorpay_sandbox.books import Body
from scripts.dev.razorpay_sandbox.payments import DisputeRequest, PayRequest
from scripts.dev.razorpay_sandbox.sandbox import Sandbox
from scripts.dev.razorpay_sandbox.switches import Strict, Switches
from scripts.dev.razorpay_sandbox.webhooks import Event

# Seconds that somebody waits for an event, unless they say so, and at most.
WAIT, MAX_WAIT = 10.0, 60.0

OBJECT = TypeAdapter(Body)


class ReleaseRequest(Strict):
    """The order in which held events leave."""

    order: Literal["given", "reversed", "shuffled"] = "given"
    seed: int = 0


class SecretRequest(Strict):
    """The webhook secret from now on; null as when none is set in Razorpay's Dashboard."""

    secret: str | None


class WaitRequest(Strict):
    """Which events to wait for, and how many seconds."""

    until: str | None = None
    event: str | None = None
    timeout: float = Field(default=WAIT, ge=0, le=MAX_WAIT)


def routes() -> list[Route]:
    """Everything under /sandbox but the checkout page."""
    return [
        Route("/sandbox/orders/{id}/pay", pay, methods=["POST"]),
        Route("/sandbox/payments/{id}/capture", capture, methods=["POST"]),
        Route("/sandbox/payments/{id}/dispute", dispute, methods=["POST"]),
        Route("/sandbox/payments/{id}/refund", give_back, methods=["POST"]),
        Route("/sandbox/refunds/{id}/process", finish_refund, methods=["POST"]),
        Route("/sandbox/refunds/{id}/fail", finish_refund, methods=["POST"]),
        Route("/sandbox/switches", switches, methods=["GET", "PUT", "DELETE"]),
        Route("/sandbox/webhooks/release", release, methods=["POST"]),
        Route("/sandbox/webhook-secret", set_secret, methods=["POST"]),
        Route("/sandbox/deliveries", deliveries, methods=["GET"]),
        Route("/sandbox/deliveries/{id}/replay", replay, methods=["POST"]),
    ]


async def pay(request: Request) -> Response:
    """Pay an order; answers what checkout hands to the page."""
    sandbox = _sandbox(request)
    order = orders.get_order(sandbox.books, request.path_params["id"])
    wish = PayRequest.model_validate_json(await _body(request))
    payment = payments.pay(sandbox.books, sandbox.courier, order, wish)
    return JSONResponse(payments.checkout_answer(payment, sandbox.settings.key_secret))


async def capture(request: Request) -> Response:
    """Capture an authorised payment, or one that failed and was authorised late after all."""
    sandbox = _sandbox(request)
    payment = payments.get_payment(sandbox.books, request.path_params["id"])
    payments.capture(sandbox.courier, sandbox.books.orders[payment.order_id], payment)
    return JSONResponse(payment_body(payment))


async def dispute(request: Request) -> Response:
    """Let the customer's bank open a dispute, or move it on."""
    sandbox = _sandbox(request)
    payment = payments.get_payment(sandbox.books, request.path_params["id"])
    wish = DisputeRequest.model_validate_json(await _body(request))
    return JSONResponse(payments.dispute(sandbox.courier, payment, wish))


async def give_back(request: Request) -> Response:
    """A refund that the app did not ask for, as from Razorpay's Dashboard; it is processed."""
    sandbox = _sandbox(request)
    payment = payments.get_payment(sandbox.books, request.path_params["id"])
    wish = OBJECT.validate_json(await _body(request))
    refund = refunds.give_back(sandbox.books, sandbox.courier, payment, wish)
    refunds.finish_refund(sandbox.books, sandbox.courier, refund, "processed")
    return JSONResponse(refund_body(refund))


async def finish_refund(request: Request) -> Response:
    """Process a pending refund, or let it fail."""
    sandbox = _sandbox(request)
    refund = refunds.get_refund(sandbox.books, request.path_params["id"])
    outcome = "failed" if request.url.path.endswith("/fail") else "processed"
    refunds.finish_refund(sandbox.books, sandbox.courier, refund, outcome)
    return JSONResponse(refund_body(refund))


async def switches(request: Request) -> Response:
    """Show, change or reset the switches; answers what holds from now on."""
    courier = _sandbox(request).courier
    if request.method == "PUT":
        changes = OBJECT.validate_json(await _body(request))
        courier.switches = courier.switches.changed(changes)
    elif request.method == "DELETE":
        courier.switches = Switches()
    return JSONResponse(courier.switches.model_dump())


async def release(request: Request) -> Response:
    """Send what is held."""
    wish = ReleaseRequest.model_validate_json(await _body(request))
    released = _sandbox(request).courier.release(wish.order, wish.seed)
    return JSONResponse({"released": released})


async def set_secret(request: Request) -> Response:
    """Sign new events with another secret; those that were made keep theirs."""
    _sandbox(request).courier.secret = SecretRequest.model_validate_json(
        await _body(request)
    ).secret
    return JSONResponse({})


async def deliveries(request: Request) -> Response:
    """Events and every attempt to send them; with `until`, once all about that id are decided."""
    courier = _sandbox(request).courier
    wish = WaitRequest.model_validate(dict(request.query_params), strict=False)
    if wish.until is None:
        found = courier.find(None, wish.event)
    else:
        found = await courier.wait_until_decided(wish.until, wish.event, wish.timeout)
    ids = {event.id for event in found}
    return JSONResponse(
        {
            "delivered": bool(found) and all(event.state == "delivered" for event in found),
            "events": [_show(event) for event in found],
            "attempts": [one for one in courier.attempts if one["id"] in ids],
        }
    )


async def replay(request: Request) -> Response:
    """Send an event once more."""
    courier = _sandbox(request).courier
    event = courier.events.get(request.path_params["id"])
    if event is None:
        raise unknown_id()
    courier.replay(event)
    return JSONResponse(_show(event))


def _sandbox(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


async def _body(request: Request) -> bytes:
    return await request.body() or b"{}"


def _show(event: Event) -> Body:
    return {
        "id": event.id,
        "event": event.name,
        "state": event.state,
        "subjects": list(event.subjects),
    }
