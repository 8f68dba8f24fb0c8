"""The inside of one sandbox, which every route works on."""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.dev.razorpay_sandbox.books import Books
from scripts.dev.razorpay_sandbox.config import Settings
from scripts.dev.razorpay_sandbox.faults import Lines
from scripts.dev.razorpay_sandbox.webhooks import Courier


@dataclass
class Sandbox:
    """Everything that a request may need."""

    settings: Settings
    courier: Courier
    books: Books = field(default_factory=Books)
    lines: Lines = field(default_factory=dict)
