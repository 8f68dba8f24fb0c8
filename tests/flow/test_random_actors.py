"""People, a gateway, operators and the clock do whatever comes to their mind, thousands of times.

Each step is compared with the model: who may do it, what it leads to, what is counted and held.
"""

from __future__ import annotations

import copy
import random
import re
import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.chat.scenes import dice
from tests.flow import model, rows
from tests.flow.checks import check_messages, check_offered, check_open_action, check_same
from tests.flow.deals import SCENES, USUAL, Cast, Play, open_play
from tests.flow.model import Refused
from tests.flow.rows import ADMIN, PARTIES, SYSTEM
from tests.flow.stages import Stage
from tests.flow.state import Deal
from tests.support.databases import Refusal, read_refusal

# Two in the short form.
SEEDS = [pytest.param(seed, marks=[pytest.mark.long] if seed >= 2 else []) for seed in range(20)]
STEPS = 160
FACTS = sorted({row.action for row in rows.ROWS if row.role == SYSTEM} - {"enable_real_time"})
PROVIDER_FACTS = [fact for fact in FACTS if not fact.startswith("timer_")]
VERDICTS = sorted({row.action for row in rows.ROWS if row.role == ADMIN})
ACTIONS = sorted({action for kind in ("bid", "campaign") for action in model.party_actions(kind)})
# Most time that passes is short; now and then somebody is away for months.
PAUSES = [timedelta(minutes=5)] * 6 + [timedelta(hours=30)] * 3 + [timedelta(days=8)] * 2
PAUSES += [timedelta(days=20), timedelta(days=90)]


def some_price(chance: random.Random, deal: Deal) -> Any:
    """A price that may be the standing one, in some notation, or another."""
    known = [price / 100 for price in (deal.offer, deal.counter, deal.quote) if price]
    return chance.choice([*known, *known, 5000, 5250.5, chance.randint(1, 10**7)])


def some_input(chance: random.Random, play: Play, action: str) -> dict[str, Any]:
    """What somebody gives with an action: mostly sensible, sometimes nothing at all."""
    deal = play.model
    if action in ("payment_captured", "payment_mismatch"):
        amount = deal.agreed or 100
        known = sorted(deal.payments)
        return {
            "payment_id": chance.choice([f"pay_{uuid.UUID(int=chance.getrandbits(128))}", *known]),
            "amount_minor": chance.choice([amount, amount, amount, amount + 1]),
            "currency": chance.choice(["INR", "INR", "INR", "INR", "USD"]),
        }
    given = dict(USUAL.get(action, {}))
    is_price = action in {"send_price_offer", "submit_counter"}
    may_name_it = action in {"accept_price", "accept_counter", "accept_application_at_quote"}
    may_name_it = may_name_it or action in model.FOLLOW_UPS
    if is_price or (may_name_it and chance.random() < 0.5):
        given["price"] = some_price(chance, deal)
    names_a_part = action == "request_cancellation" and chance.random() < 0.5
    if deal.held and (names_a_part or action == "resolve_split"):
        given["refund_amount"] = chance.randint(1, deal.held // 100 - 1)
    required = model.REQUIRED.get(action)
    if required and chance.random() < 0.1:
        del given[required[0]]
    return given


def choose(chance: random.Random, play: Play) -> tuple[str, str]:
    """Who does what next: often what may be done, sometimes what may not."""
    now = play.now()
    allowed = [(role, a) for role in PARTIES for a in model.available(play.model, role, now)]
    leaving = re.compile("end_|reject_|decline_work|give_up|close_")
    awaited = [
        (role, action)
        for role, action in allowed
        if role == play.model.awaiting and not leaving.match(action)
    ]
    mood = chance.random()
    if mood < 0.45 and awaited:
        return chance.choice(awaited)
    if mood < 0.6 and allowed:
        return chance.choice(allowed)
    if mood < 0.75:
        return chance.choice(PARTIES), chance.choice(ACTIONS)
    if mood < 0.9:
        # The gateway tells nonsense too, but mostly what it was asked for.
        known = [r.action for r in rows.ROWS if (r.state, r.role) == (play.model.state, SYSTEM)]
        likely = [fact for fact in known if fact in PROVIDER_FACTS]
        return SYSTEM, chance.choice([*likely, *likely, *PROVIDER_FACTS])
    return ADMIN, chance.choice(VERDICTS)


def attempt(play: Play, role: str, action: str, given: dict[str, Any]) -> Any:
    """What the database answers: an action result, or a refusal."""
    before = play.stored()
    try:
        return play.call(role, action, given)
    except psycopg.Error as error:
        assert play.stored() == before, "a refused action changed something"
        return read_refusal(error)


def take_one(chance: random.Random, play: Play) -> str:
    """One attempt by anybody, in the database and in the model; what it was."""
    role, action = choose(chance, play)
    given = some_input(chance, play, action)
    deal = copy.deepcopy(play.model)
    was = play.stored()
    taken = model.run_timers(deal, play.now())
    step = play.step(role, action, given)
    verdict = model.take(deal, step)
    answer = attempt(play, role, action, given)
    said = f"{role} {action} {given} in {was['flow_state']}"
    if isinstance(verdict, Refused):
        assert isinstance(answer, Refusal), f"{said}: taken, but should be {verdict}"
        assert answer.code == verdict.code, f"{said}: {answer}, but should be {verdict}"
        for key, value in verdict.details.items():
            assert answer.details[key] == value, said
        return said
    assert not isinstance(answer, Refusal), f"{said}: {answer}, but should be taken"
    play.model = deal
    check_messages(play, taken + verdict, was["last_seq"])
    return said


def let_some_time_pass(chance: random.Random, play: Play) -> str:
    """Time passes for one deal, and nobody looks."""
    pause = chance.choice(PAUSES)
    play.let_pass(pause)
    return f"{pause} passed"


def sweep(plays: list[Play]) -> str:
    """An operator lets everything be written that is due."""
    with plays[0].db.as_service():
        plays[0].db.call("sweep_due", max_rows=100)
    for play in plays:
        model.run_timers(play.model, play.now())
        check_same(play)
    return "swept"


def check_offered_now(play: Play) -> None:
    """What is offered is what the model allows after all that is due; all of it would be taken."""
    stored, play.model = play.model, copy.deepcopy(play.model)
    due = model.run_timers(play.model, play.now())
    check_offered(play)
    check_open_action(play, is_written=not due)
    play.model = stored


def open_somewhere(chance: random.Random, stage: Stage, cast: Cast) -> Play:
    """A deal that has come some way."""
    kind = chance.choice(sorted(SCENES))
    scenes = [scene for scene in SCENES[kind] if not scene.startswith("chat_closed")]
    return open_play(stage, cast, kind, chance.choice(scenes))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_they_do_the_model_says_the_same(stage: Stage, cast: Cast, seed: int) -> None:
    chance = dice(seed)
    plays = [open_somewhere(chance, stage, cast) for _ in range(3)]
    story: list[str] = []
    try:
        for number in range(STEPS):
            place = chance.randrange(len(plays))
            play = plays[place]
            if not play.model.is_open and chance.random() < 0.4:
                play = plays[place] = open_somewhere(chance, stage, cast)
            mood = chance.random()
            if mood < 0.1:
                story.append(let_some_time_pass(chance, play))
            elif mood < 0.14:
                story.append(sweep(plays))
            else:
                story.append(take_one(chance, play))
                check_same(play)
            if number % 8 == 0:
                check_offered_now(play)
    except AssertionError as error:
        error.add_note(f"seed {seed}; the last steps: " + "; ".join(story[-12:]))
        raise
