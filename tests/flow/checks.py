"""What must be true of a played deal after each step: the database and the model say the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.flow import model
from tests.flow.deals import Play
from tests.flow.model import Taken
from tests.flow.rows import PARTIES

# The fields that people type words into.
TYPED = frozenset({
    "details", "question", "reason", "feedback", "deliverables", "description",
    "submission_notes", "comment",
})  # fmt: skip
# A rating is shown when both have given one.
UNQUOTED = frozenset({"rate_collaboration"})


def check_same(play: Play) -> None:
    """State, turn, counters, clocks and money are as the model says; the books balance."""
    deal, row = play.model, play.stored()
    data = row["flow_data"]
    seen = {
        "state": row["flow_state"],
        "awaiting": row["awaiting_role"],
        "steps": row["version"],
        "deadline": row["deadline_at"],
        "delivery_due": row["delivery_due_at"],
        "round": data.get("negotiation_round") or 0,
        "offer": data.get("offer_minor"),
        "counter": data.get("counter_minor"),
        "agreed": data.get("agreed_minor"),
        "questions": data.get("questions") or 0,
        "revisions": data.get("revision_count") or 0,
        "captured": row["captured_minor"],
        "released": row["released_minor"] + row["fee_minor"],
        "refunded": row["refunded_minor"],
        "charged_back": row["charged_back_minor"],
        "held": row["held_minor"],
    }
    wanted = {name: getattr(deal, name) for name in seen}
    differing = {name: (seen[name], wanted[name]) for name in seen if seen[name] != wanted[name]}
    assert not differing, f"(database, model): {differing}"
    check_books(play, row)


def check_books(play: Play, row: dict[str, Any]) -> None:
    """The ledger adds up to the conversation's books, and nothing is held when it is closed."""
    (sums,) = play.db.query(
        """
        select
          coalesce(sum(amount_minor) filter (where to_account = 'held'), 0)::bigint as captured,
          coalesce(sum(amount_minor) filter (where to_account = 'released'), 0)::bigint as released,
          coalesce(sum(amount_minor) filter (where to_account = 'fee'), 0)::bigint as fee,
          coalesce(sum(amount_minor) filter (where to_account = 'refunded'), 0)::bigint as refunded,
          coalesce(sum(amount_minor) filter (where to_account = 'charged_back'), 0)::bigint
            as charged_back,
          coalesce(sum(amount_minor) filter (where to_account = 'bounced'), 0)::bigint as bounced
        from private.escrow_ledger
        where conversation_id = %s
        """,
        play.id,
    )
    bounced, wanted = sums.pop("bounced"), play.model.bounced
    assert bounced == wanted, f"sent back {bounced}, the model {wanted}"
    books = {name: row[f"{name}_minor"] for name in sums}
    assert sums == books, f"the ledger has {sums}, the conversation {books}"
    assert row["held_minor"] >= 0
    if row["flow_state"] == "chat_closed":
        assert row["held_minor"] == 0
    open_orders, asked_back = play.db.query(
        """
        select coalesce(sum(amount_minor), 0)::bigint as sum
        from private.payment_orders where conversation_id = %(id)s and status = 'open'
        union all
        select coalesce(sum(amount_minor), 0)::bigint
        from private.refunds
        where conversation_id = %(id)s and kind = 'deal' and status = 'requested'
        """,
        {"id": play.id},
    )
    deal = play.model
    order = deal.agreed if deal.order_is_open else 0
    assert open_orders["sum"] == order, f"asked to pay {open_orders}, the model {order}"
    refund = deal.refund if deal.state == "refund_pending" else 0
    assert asked_back["sum"] == refund, f"asked back {asked_back}, the model {refund}"


def check_offered(play: Play) -> None:
    """Each party is offered exactly what the model allows, and each of it would be taken."""
    now = play.now()
    for role in PARTIES:
        offered = play.available(role)
        names = [action["action"] for action in offered]
        assert len(names) == len(set(names)), f"offered twice: {names}"
        allowed = model.available(play.model, role, now)
        assert sorted(names) == allowed, f"the {role} is offered {names}, the model: {allowed}"
        for name in names:
            with play.db.signed_in_as(play.user(role)):
                trial = play.db.call(
                    "simulate_action", conversation_id=play.id, action=name, input=play.usual(name)
                )
            assert (trial["allowed"], trial["error"]) == (True, None), f"{role}: {name}: {trial}"


def new_messages(play: Play, after_seq: int) -> list[dict[str, Any]]:
    """Every message of the conversation after this one, oldest first, whoever may see it."""
    return play.db.query(
        "select * from public.messages where conversation_id = %s and seq > %s order by seq",
        *(play.id, after_seq),
    )


def check_messages(play: Play, taken: list[Taken], after_seq: int) -> None:
    """The rows' messages were sent, and each party gets those meant for it and no other."""
    messages = new_messages(play, after_seq)
    sent = Counter((m["message_type"], m["visible_to"]) for m in messages)
    wanted = Counter(message for step in taken for message in step.messages())
    assert not wanted - sent, f"not sent: {wanted - sent}"
    surplus = sent - wanted
    awaited = ("automated", str(taken[-1].awaiting))
    assert set(surplus) <= {awaited}, f"sent beside: {surplus}"
    assert surplus[awaited] <= 1
    for role in PARTIES:
        with play.db.signed_in_as(play.user(role)):
            got = play.db.call(
                "get_messages", conversation_id=play.id, after_seq=after_seq, page_size=100
            )
        meant = [m["seq"] for m in messages if m["visible_to"] in ("all", role)]
        seqs = [m["seq"] for m in got]
        assert seqs == meant, f"the {role} gets {seqs}, meant are {meant}"
        assert all(m["message"] and m["is_automated"] for m in got), f"without words: {got}"
    check_broadcast(play, messages)


# What tells a device about messages: one event for all that a step says to its side.
HEARD = ("new_message", "button_action", "text_input")


def heard_of(play: Play) -> list[dict[str, Any]]:
    """Every event of the conversation that was told to a user."""
    return play.db.query(
        """
        select id, topic, event, payload from realtime.messages
        where payload ->> 'conversation_id' = %s and starts_with(topic, 'user:')
        """,
        play.id,
    )


def check_broadcast(play: Play, messages: list[dict[str, Any]]) -> None:
    """Each message was told to those meant, on their own topics, and to nobody else."""
    told = [
        (row["topic"], said["id"])
        for row in heard_of(play)
        if row["event"] in HEARD and row["payload"]["message"] is not None
        for said in row["payload"].get("messages") or [row["payload"]["message"]]
    ]
    for message in messages:
        topics = sorted(topic for topic, told_id in told if told_id == str(message["id"]))
        readers = [role for role in PARTIES if message["visible_to"] in ("all", role)]
        wanted = sorted(f"user:{play.user(role)}" for role in readers)
        assert topics == wanted, f"{message['message']} was told to {topics}, meant is {wanted}"
        receiver = None if message["visible_to"] == "all" else play.user(message["visible_to"])
        assert message["receiver_id"] == receiver, f"addressed wrongly: {message}"


def check_few_events(play: Play, steps: int, before: set[Any]) -> None:
    """A step is at most two rows of realtime.messages a side, whatever it says."""
    counts = Counter(row["topic"] for row in heard_of(play) if row["id"] not in before)
    assert set(counts) <= {f"user:{play.user(role)}" for role in PARTIES}
    assert all(count <= 2 * steps for count in counts.values()), counts


def check_quotes(play: Play, step: Taken, given: dict[str, Any], after_seq: int) -> None:
    """What the actor typed stands in no text, only in a quote under the actor's name."""
    is_party = step.row.role in PARTIES
    typed = {value for name, value in given.items() if name in TYPED and is_party}
    quoted = set()
    for message in new_messages(play, after_seq):
        drawn = dict(message["action_data"] or {})
        quote = drawn.pop("quote", None)
        voice = " ".join(str(part) for part in (message["message"], drawn))
        assert not [word for word in typed if word in voice], f"in the system's voice: {message}"
        if quote is not None:
            assert message["visible_to"] != step.step.role, "quoted to the one who typed it"
            assert quote["by"] == str(play.user(step.step.role))
            quoted |= {word for word in typed if word in quote["text"]}
    if step.row.action not in UNQUOTED:
        assert quoted == typed, f"not delivered: {typed - quoted}"


def check_open_action(play: Play, *, is_written: bool = True) -> None:
    """The awaited party has the open action of this state; the other has none.

    Unless the state has not been written yet, the action stands in a message.
    """
    deal = play.model
    for role in PARTIES:
        action_data = play.context(role)["current_action_data"]
        if role != deal.awaiting:
            assert action_data is None, f"the {role} sees the other's action: {action_data}"
            continue
        assert action_data is not None, f"the {role} is awaited and sees no action"
        said = {key: action_data[key] for key in ("flow_state", "visible_to", "allowed_for")}
        assert said == {"flow_state": deal.state, "visible_to": role, "allowed_for": role}, said
        assert action_data["title"]
        if is_written:
            check_message_of(play, role, action_data)
        buttons = {button["action"] for button in action_data.get("buttons") or []}
        offered = set(model.available(deal, role, play.now()))
        assert buttons <= offered, f"these would be refused: {buttons - offered}"


def check_message_of(play: Play, role: str, action_data: dict[str, Any]) -> None:
    """The open action stands in the newest open action message of its reader."""
    with play.db.signed_in_as(play.user(role)):
        page = play.db.call("get_messages", conversation_id=play.id, page_size=100)
    required = [m for m in page if m["action_required"] and not m["action_completed"]]
    assert required, f"the {role} has no open action message"
    left = [m for m in required if m["action_data"]["flow_state"] != play.model.state]
    assert not left, f"still open from an earlier state: {left}"
    newest = required[0]["action_data"]
    assert newest["action_id"], "an action without an id"
    assert newest["action_id"] == action_data["action_id"], f"{newest} is not {action_data}"
    assert (newest.get("buttons"), newest.get("input_field")) == (
        action_data.get("buttons"),
        action_data.get("input_field"),
    )


def done(answer: Any) -> dict[str, Any]:
    """What an answer says was done: the part that a repeat says again, whatever came between."""
    parts = ("success", "created", "messages", "flow_update")
    return {part: answer.get(part) for part in parts}
