"""Guessing passwords."""

from __future__ import annotations

import pytest

from scripts.dev.local_supabase.auth.errors import ApiError
from scripts.dev.local_supabase.auth.limits import PER_ACCOUNT, PER_ADDRESS, WINDOW, FailedLogins
from tests.local_supabase.auth.server import Auth, assert_refused, new_email


def test_guessing_at_one_account_is_limited_and_others_still_sign_in(own_auth: Auth) -> None:
    victim, neighbour = new_email(), new_email()
    own_auth.sign_up(victim)
    own_auth.sign_up(neighbour)
    for _ in range(PER_ACCOUNT):
        assert_refused(own_auth.log_in(victim, "guess"), 400, "invalid_credentials")
    limited = own_auth.log_in(victim)
    assert_refused(limited, 429, "over_request_rate_limit")
    assert 0 < int(limited.headers["Retry-After"]) <= WINDOW
    assert own_auth.log_in(neighbour).status_code == 200


def test_a_stranger_is_answered_like_a_user_with_a_wrong_password(auth: Auth) -> None:
    email = new_email()
    auth.sign_up(email)
    known, unknown = auth.log_in(email, "guess"), auth.log_in(new_email(), "guess")
    assert known.json() == unknown.json()


def test_failures_are_forgotten_with_time_and_with_a_right_password() -> None:
    now = 0.0
    failures = FailedLogins(clock=lambda: now)
    for _ in range(PER_ACCOUNT):
        failures.record("a", "1")
    with pytest.raises(ApiError):
        failures.check("a", "1")
    failures.check("a", "2")
    failures.forget("a", "1")
    failures.check("a", "1")
    for _ in range(PER_ACCOUNT):
        failures.record("b", "1")
    now = WINDOW + 1
    failures.check("b", "1")


def test_an_address_that_tries_many_accounts_is_told_to_slow_down() -> None:
    failures = FailedLogins(clock=lambda: 0.0)
    for number in range(PER_ADDRESS):
        failures.record(str(number), "1")
    with pytest.raises(ApiError) as refusal:
        failures.record("one more", "1")
    assert (refusal.value.status, refusal.value.code) == (429, "over_request_rate_limit")
    failures.check("somebody", "1")
