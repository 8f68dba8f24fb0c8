"""Switches for faults; `Switches()` is a gateway without any."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Fault = Literal["timeout", "lost_response", "reset", "html_502", "500", "429", "409", "401"]
Operation = Literal[
    "orders.create",
    "orders.fetch",
    "orders.list",
    "orders.payments",
    "payments.fetch",
    "refunds.create",
    "refunds.fetch",
    "refunds.list",
]


class Strict(BaseModel):
    """Refuses names and types that it does not know, so that a slip is no silent success."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_assignment=True)


class WebhookSwitches(Strict):
    """The delivery of events."""

    hold: bool = Field(default=False, description="keep new events until they are released")
    lose: int = Field(default=0, ge=0, description="the next so many events are never sent")
    duplicate: int = Field(
        default=0, ge=0, le=50, description="so many extra copies of each, at once"
    )
    delay: float = Field(default=0, ge=0, le=60, description="seconds between a fact and its event")
    parallel: bool = Field(default=False, description="send events without waiting for one another")


class ApiFault(Strict):
    """The results of the next calls of one operation."""

    fault: Fault
    times: int = Field(default=1, ge=1)


class OrderSwitches(Strict):
    """The creation of orders."""

    same_receipt: Literal["reuse", "refuse"] = Field(
        default="reuse", description="what a second order with unique_receipt gets"
    )


class PaymentSwitches(Strict):
    """The shape of the next payments."""

    second_payment: bool = Field(default=False, description="a paid order can be paid again")
    amount: int | None = Field(
        default=None, ge=1, description="paise that are paid in place of the price"
    )
    order_amount: int | None = Field(
        default=None, ge=1, description="paise the order turns out to ask"
    )
    currency: str | None = Field(
        default=None, pattern="^[A-Z]{3}$", description="of payment and order"
    )
    fee_on_top: bool = Field(
        default=False, description="the customer bears the fee, beside the price"
    )


class RefundSwitches(Strict):
    """The fate of new refunds."""

    outcome: Literal["processed", "stay_pending", "failed"] = "processed"


class Switches(Strict):
    """All of them; sections and names are those of the JSON."""

    webhooks: WebhookSwitches = Field(default_factory=WebhookSwitches)
    api: dict[Operation, ApiFault] = Field(default_factory=dict)
    orders: OrderSwitches = Field(default_factory=OrderSwitches)
    payments: PaymentSwitches = Field(default_factory=PaymentSwitches)
    refunds: RefundSwitches = Field(default_factory=RefundSwitches)

    def changed(self, changes: dict[str, Any]) -> Switches:
        """These switches with the given names of the given sections set anew.

        Raises:
            pydantic.ValidationError: there is no such switch, or it cannot be set so.
        """
        now = self.model_dump()
        merged = {
            name: {**now.get(name, {}), **value} if isinstance(value, dict) else value
            for name, value in changes.items()
        }
        return Switches.model_validate({**now, **merged})

    def take_fault(self, operation: Operation) -> Fault | None:
        """The forced result of this call, counted down; None: the normal one."""
        planned = self.api.get(operation)
        if planned is None:
            return None
        if planned.times > 1:
            planned.times -= 1
        else:
            del self.api[operation]
        return planned.fault
