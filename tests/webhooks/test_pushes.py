"""Who sends which push when: rounds in the background, one at a time, whatever breaks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from webhooks.database import Database
from webhooks.http.errors import unavailable
from webhooks.push.pushes import Pushes, Result

PATIENCE = 20.0


class Outbox:
    """Stands in for the database: hands out what is queued, keeps what it is told."""

    def __init__(self, *tokens: str, kind: str = "web_push", page: int = 1) -> None:
        self.kind = kind
        self.page = page
        self.queued = list(tokens)
        self.results: dict[str, str] = {}
        self.is_down = False
        self.was_asked = queue.Queue[int]()
        self.before_an_empty_answer: Callable[[], None] = lambda: None

    def call_as_service(self, function: str, /, **arguments: Any) -> Any:
        """The two functions of the outbox; a push's id is its token."""
        if function == "record_push_result":
            self.results[arguments["push_id"]] = arguments["result"]
            return None
        assert function == "take_pushes"
        self.was_asked.put(arguments["max_rows"])
        if self.is_down:
            raise unavailable("The database did not answer in time.")
        if not self.queued:
            self.before_an_empty_answer()
            return []
        taken, self.queued = self.queued[: self.page], self.queued[self.page :]
        return [
            {"push_id": token, "kind": self.kind, "token": token, "keys": {}, "payload": {}}
            for token in taken
        ]


class Phone:
    """A sender that keeps the tokens it was given and does what a test says."""

    def __init__(self, do: Callable[[str], Result] = lambda _: "sent") -> None:
        self.do = do
        self.tokens = queue.Queue[str]()

    def send(self, token: str, keys: Mapping[str, str], payload: Mapping[str, Any]) -> Result:
        """Note the token, then do it."""
        self.tokens.put(token)
        return self.do(token)


def pushes_of(outbox: Outbox, **senders: Phone) -> Pushes:
    return Pushes(cast(Database, outbox), senders)


def wait_for_the_end() -> None:
    """Until no thread is sending."""
    for thread in threading.enumerate():
        if thread.name == "pushes":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_what_is_queued_is_sent_by_the_sender_of_its_kind_and_reported() -> None:
    outbox = Outbox("a", "b", "c", kind="pigeon")
    answers: dict[str, Result] = {"a": "sent", "b": "gone", "c": "failed"}
    other, pigeon = Phone(), Phone(lambda token: answers[token])
    pushes_of(outbox, web_push=other, pigeon=pigeon).drain()
    assert outbox.results == answers
    assert other.tokens.empty()


def test_without_senders_the_outbox_is_left_alone() -> None:
    outbox = Outbox("a")
    pushes_of(outbox).touch()
    wait_for_the_end()
    assert (outbox.queued, outbox.was_asked.qsize()) == (["a"], 0)


def test_a_touch_does_not_wait_for_a_slow_sender() -> None:
    release = threading.Event()

    def slow(_token: str) -> Result:
        return "sent" if release.wait(PATIENCE) else "failed"

    outbox, phone = Outbox("a"), Phone(slow)
    drained = pushes_of(outbox, web_push=phone)
    drained.touch()
    assert phone.tokens.get(timeout=PATIENCE) == "a"
    for _ in range(50):
        drained.touch()
    senders = [thread for thread in threading.enumerate() if thread.name == "pushes"]
    assert (len(senders), outbox.results) == (1, {})
    release.set()
    wait_for_the_end()
    assert outbox.results == {"a": "sent"}


def test_several_pushes_are_sent_at_once() -> None:
    # None of them gets through before all of them are under way.
    everybody = threading.Barrier(3)

    def waits_for_the_others(_token: str) -> Result:
        everybody.wait(PATIENCE)
        return "sent"

    outbox = Outbox("a", "b", "c", page=3)
    pushes_of(outbox, web_push=Phone(waits_for_the_others)).touch()
    wait_for_the_end()
    assert outbox.results == {"a": "sent", "b": "sent", "c": "sent"}


def test_what_is_queued_right_after_the_last_look_is_sent_when_touched_meanwhile() -> None:
    outbox, phone = Outbox(), Phone()
    drained = pushes_of(outbox, web_push=phone)

    def somebody_comes_by() -> None:
        outbox.before_an_empty_answer = lambda: None
        # This round has found nothing and cannot find what comes now.
        outbox.queued.append("late")
        drained.touch()

    outbox.before_an_empty_answer = somebody_comes_by
    drained.touch()
    assert phone.tokens.get(timeout=PATIENCE) == "late"
    wait_for_the_end()
    assert outbox.results == {"late": "sent"}


def test_a_sender_that_breaks_keeps_nobody_else_from_a_push() -> None:
    def breaks(token: str) -> Result:
        if token == "a":
            raise RuntimeError("A fault of this test.")
        return "sent"

    outbox = Outbox("a", "b")
    pushes_of(outbox, web_push=Phone(breaks)).drain()
    assert outbox.results == {"a": "failed", "b": "sent"}


def test_a_kind_that_nobody_can_send_is_tried_again_later() -> None:
    outbox = Outbox("a", kind="pigeon")
    pushes_of(outbox, web_push=Phone()).drain()
    assert outbox.results == {"a": "failed"}


def test_after_a_database_that_was_down_the_next_touch_sends() -> None:
    outbox, phone = Outbox("a"), Phone()
    drained = pushes_of(outbox, web_push=phone)
    outbox.is_down = True
    drained.touch()
    outbox.was_asked.get(timeout=PATIENCE)
    wait_for_the_end()
    outbox.is_down = False
    drained.touch()
    wait_for_the_end()
    assert outbox.results == {"a": "sent"}


def test_when_time_is_up_nothing_more_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_token: str) -> Result:
        monkeypatch.setattr(time, "monotonic", lambda: float("inf"))
        return "sent"

    outbox = Outbox("a", "b")
    pushes_of(outbox, web_push=Phone(slow)).drain()
    monkeypatch.undo()
    assert (outbox.results, outbox.queued) == ({"a": "sent"}, ["b"])


def test_a_machine_without_another_thread_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    outbox = Outbox("a")
    drained = pushes_of(outbox, web_push=Phone())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        drained.touch()
    assert outbox.results == {}
    drained.touch()
    wait_for_the_end()
    assert outbox.results == {"a": "sent"}
