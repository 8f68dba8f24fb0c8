"""Checkout: the script that a front end loads, and a page that pays without one."""

from __future__ import annotations

import html
import json
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from scripts.dev.razorpay_sandbox.orders import get_order

FOLDER = Path(__file__).parent
SCRIPT = FOLDER / "checkout.js"
PAGE = FOLDER / "checkout.html"


async def checkout_script(_request: Request) -> Response:
    """The stand-in for Razorpay's checkout.js."""
    return Response(SCRIPT.read_bytes(), media_type="text/javascript")


async def checkout_page(request: Request) -> Response:
    """A page that pays one order."""
    order = get_order(request.app.state.sandbox.books, request.path_params["order_id"])
    price = f"{order.currency} {order.amount / 100:.2f}"
    page = Template(PAGE.read_text("utf-8")).substitute(
        order_id=html.escape(order.id),
        price=html.escape(price),
        status=html.escape(order.status),
        pay_path=html.escape(json.dumps(f"/sandbox/orders/{order.id}/pay"), quote=False),
    )
    return HTMLResponse(page)
