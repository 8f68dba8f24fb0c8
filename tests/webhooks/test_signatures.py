"""Who signed it: both of our secrets, every published vector, and every header there could be."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhooks.events import BODY, CURRENT, FIXTURES, PREVIOUS, SIGNATURES, sign
from webhooks.payments.signatures import checkout_signature_fits, slot_of

VECTOR = SIGNATURES["documented_vectors"][0]
ORDER_ID, PAYMENT_ID = VECTOR["message"].split("|")


@pytest.mark.parametrize("name", SIGNATURES["files"])
def test_each_sample_is_signed_as_published(name: str) -> None:
    body = (FIXTURES / name).read_bytes()
    vector = SIGNATURES["files"][name]
    assert len(body) == vector["bytes"]
    assert hashlib.sha256(body).hexdigest() == vector["sha256"]
    assert slot_of(body, vector["current"], CURRENT, PREVIOUS) == "current"
    assert slot_of(body, vector["previous"], CURRENT, PREVIOUS) == "previous"
    assert slot_of(body, vector["previous"], CURRENT) is None


def test_the_same_secret_in_both_slots_is_the_current_one() -> None:
    assert slot_of(BODY, sign(BODY), CURRENT, CURRENT) == "current"


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        " ",
        sign(BODY)[:-1],
        sign(BODY)[:8],
        sign(BODY).upper(),
        f" {sign(BODY)}",
        f"{sign(BODY)}\n",
        f"sha256={sign(BODY)}",
        f"{sign(BODY)}, {sign(BODY)}",
        f"{sign(BODY, PREVIOUS)},{sign(BODY)}",
        "0" * 64,
        "é" * 64,
        "\ud800" * 64,
        "\u0660" * 64,  # an Arabic zero
        sign(BODY).replace("a", "\u0430"),  # the Cyrillic one
        sign(b""),
    ],
)
def test_anything_else_is_refused_without_an_exception(signature: str | None) -> None:
    assert slot_of(BODY, signature, CURRENT, PREVIOUS) is None


def test_a_body_that_differs_by_one_bit_is_refused() -> None:
    for position in range(0, len(BODY), 97):
        forged = bytearray(BODY)
        forged[position] ^= 1
        assert slot_of(bytes(forged), sign(BODY), CURRENT, PREVIOUS) is None


def test_an_empty_secret_signs_nothing() -> None:
    with_nothing = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    assert slot_of(BODY, with_nothing, "", "") is None
    assert slot_of(BODY, with_nothing, CURRENT, None) is None
    assert not checkout_signature_fits("order_1", "pay_1", with_nothing, "")


@settings(derandomize=True, deadline=None)
@given(body=st.binary(), signature=st.text(), secret=st.text(min_size=1))
def test_no_text_is_taken_for_a_signature_of_other_bytes(
    body: bytes, signature: str, secret: str
) -> None:
    assert slot_of(body, signature, CURRENT, PREVIOUS) is None
    other_secret = hmac.new(secret.encode("utf-8", "replace"), body, hashlib.sha256).hexdigest()
    assert slot_of(body, other_secret, CURRENT, PREVIOUS) is None
    assert slot_of(body, sign(body), CURRENT, PREVIOUS) == "current"
    assert slot_of(body + b"\n", sign(body), CURRENT, PREVIOUS) is None


def test_the_vector_of_razorpays_documentation_fits() -> None:
    assert checkout_signature_fits(ORDER_ID, PAYMENT_ID, VECTOR["hex"], VECTOR["secret"])


@pytest.mark.parametrize(
    ("order_id", "payment_id", "signature"),
    [
        ("order_other", PAYMENT_ID, VECTOR["hex"]),
        (ORDER_ID, "pay_other", VECTOR["hex"]),
        (PAYMENT_ID, ORDER_ID, VECTOR["hex"]),
        (ORDER_ID, PAYMENT_ID, VECTOR["hex"].upper()),
        (ORDER_ID, PAYMENT_ID, ""),
        (ORDER_ID, PAYMENT_ID, "é"),
        (ORDER_ID, "\ud800", "\ud800"),
    ],
)
def test_any_other_checkout_is_refused(order_id: str, payment_id: str, signature: str) -> None:
    assert not checkout_signature_fits(order_id, payment_id, signature, VECTOR["secret"])


def test_a_checkout_is_not_signed_with_the_webhooks_secret() -> None:
    signature = sign(VECTOR["message"].encode())
    assert not checkout_signature_fits(ORDER_ID, PAYMENT_ID, signature, VECTOR["secret"])
