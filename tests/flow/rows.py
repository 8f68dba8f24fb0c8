"""The specification's tables of the flow, typed from its page: every move that there is.

Whoever changes the flow changes this table by hand; it is not made from the product's rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

INFLUENCER, BRAND_OWNER, MEMBER = "influencer", "brand_owner", "member"
SYSTEM, ADMIN = "system", "admin"
PARTIES = (INFLUENCER, BRAND_OWNER)

BEFORE_PAYMENT = (
    "influencer_responding brand_owner_reviewing brand_owner_details influencer_reviewing"
    " brand_owner_pricing influencer_price_response brand_owner_negotiation"
    " influencer_final_response negotiation_input"
)
PAID = "payment_completed work_in_progress work_submitted cancellation_requested"

# name | flows | states | roles | action | guards | next state | awaiting | messages
# `=` is the state it was, `same` whoever was awaited, `-` nobody; messages are type>reader. Every
# new state that awaits a party also sends it an automated message.
TABLE = f"""
T10|bid|influencer_responding|I|accept_connection||brand_owner_details|B|audit>actor
T11|campaign|influencer_responding|I|accept_connection||brand_owner_pricing|B|audit>actor
T12|deals|influencer_responding|I|reject_connection||chat_closed|-|system>other audit>actor
T20|campaign|brand_owner_reviewing|B|accept_application||\
  brand_owner_pricing|B|system>other audit>actor
T21|campaign|brand_owner_reviewing|B|accept_application_at_quote|has_quote quote_matches|\
  payment_pending|B|system>other audit>actor
T22|campaign|brand_owner_reviewing|B|reject_application||chat_closed|-|system>other audit>actor
T30|bid|brand_owner_details|B|send_project_details||influencer_reviewing|I|audit>actor
T40|bid|influencer_reviewing|I|accept_project||brand_owner_pricing|B|audit>actor
T41|bid|influencer_reviewing|I|request_details_change|has_question_left|\
  brand_owner_details|B|audit>actor
T42|bid|influencer_reviewing|I|reject_project||chat_closed|-|system>other audit>actor
T50|deals|brand_owner_pricing|B|send_price_offer||influencer_price_response|I|audit>actor
T60|deals|influencer_price_response|I|accept_price|offer_matches|\
  payment_pending|B|system>actor audit>actor
T61|deals|influencer_price_response|I|negotiate_price||negotiation_input|I|
T63|deals|influencer_price_response|I|reject_price||brand_owner_negotiation|B|audit>actor
T65|deals|negotiation_input|I|submit_counter|is_awaited|brand_owner_negotiation|B|audit>actor
T66|deals|negotiation_input|I|back|is_awaited|influencer_price_response|I|
T67|deals|negotiation_input|B|submit_counter|is_awaited is_earlier_round|\
  influencer_price_response|I|audit>actor
T68|deals|negotiation_input|B|submit_counter|is_awaited is_last_round|\
  influencer_final_response|I|audit>actor
T69|deals|negotiation_input|B|back|is_awaited|brand_owner_negotiation|B|
T70|deals|brand_owner_negotiation|B|accept_counter|has_counter counter_matches|\
  payment_pending|B|system>other audit>actor
T71|deals|brand_owner_negotiation|B|make_counter_offer|has_round_left|negotiation_input|B|
T72|deals|brand_owner_negotiation|B|hold_price||influencer_final_response|I|audit>actor
T80|deals|influencer_final_response|I|accept_price|offer_matches|payment_pending|B|audit>actor
T81|deals|influencer_final_response|I|reject_price||chat_closed|-|system>other audit>actor
T85|deals|{BEFORE_PAYMENT}|I B|end_conversation||chat_closed|-|system>other audit>actor
T86|deals|{BEFORE_PAYMENT}|S|timer_idle||chat_closed|-|system>all
T90|deals|payment_pending|B|proceed_to_payment||=|B|automated>B audit>actor
T91|deals|payment_pending|S|payment_captured|has_order capture_matches is_new_payment|\
  payment_completed|I|system>B
T92|deals|payment_pending|S|payment_failed|has_order|=|B|system>B
T93|deals|payment_pending|S|payment_mismatch|has_order is_new_payment|=|B|system>B
T94|deals|payment_pending|I B|end_conversation|nothing_captured|\
  chat_closed|-|system>other audit>actor
T95|deals|payment_pending|S|timer_payment_window|nothing_captured|chat_closed|-|system>all
T96|deals|chat_closed|S|payment_captured|has_order is_new_payment|=|same|system>B
T97|deals|{PAID} disputed refund_pending real_time|S|payment_captured|is_new_payment|\
  =|same|system>B
T100|deals|payment_completed|I|start_work||work_in_progress|I|system>other
T101|deals|payment_completed|I|decline_work||refund_pending|-|system>other audit>actor
T102|deals|payment_completed|B|cancel_before_start||refund_pending|-|system>other audit>actor
T103|deals|payment_completed|S|timer_start_window||refund_pending|-|system>all
T110|deals|work_in_progress|I|submit_work||work_submitted|B|audit>actor
T111|deals|work_in_progress|I B|request_cancellation||cancellation_requested|other|audit>actor
T112|deals|work_in_progress work_submitted|I B|raise_dispute||disputed|-|system>all
T113|deals|work_in_progress|B|cancel_overdue|is_overdue|refund_pending|-|system>other audit>actor
T114|deals|work_in_progress|I|give_up_work||refund_pending|-|system>other audit>actor
T115|deals|work_in_progress|S|timer_work_limit||refund_pending|-|system>all
T116|deals|work_in_progress|I|request_extension||=|I|automated>other audit>actor
T117|deals|work_in_progress|B|accept_extension|has_extension|=|I|system>other audit>actor
T117b|deals|work_in_progress|B|decline_extension|has_extension|=|I|system>other audit>actor
T120|deals|work_submitted|B|approve_work||work_approved|-|system>other audit>actor
T121|deals|work_approved|S|enable_real_time||real_time|-|system>all
T122|deals|work_submitted|B|request_revision|has_revision_left|work_in_progress|I|audit>actor
T124|deals|work_submitted|I B|request_cancellation||cancellation_requested|other|audit>actor
T125|deals|work_submitted|S|timer_review_window||work_approved|-|system>all
T126|deals|work_submitted|I|withdraw_submission||work_in_progress|I|system>other audit>actor
T130|deals|cancellation_requested|I B|accept_cancellation|is_awaited|refund_pending|-|system>all
T131|deals|cancellation_requested|I B|decline_cancellation|is_awaited was_working|\
  work_in_progress|I|system>other
T132|deals|cancellation_requested|I B|decline_cancellation|is_awaited was_in_review|\
  work_submitted|B|system>other
T133|deals|cancellation_requested|I B|withdraw_cancellation|is_requester was_working|\
  work_in_progress|I|system>other
T134|deals|cancellation_requested|I B|withdraw_cancellation|is_requester was_in_review|\
  work_submitted|B|system>other
T135|deals|cancellation_requested|S|timer_cancellation|was_working|work_in_progress|I|system>all
T136|deals|cancellation_requested|S|timer_cancellation|was_in_review|work_submitted|B|system>all
T137|deals|cancellation_requested|I B|raise_dispute||disputed|-|system>all
T140|deals|disputed|A|resolve_release||work_approved|-|system>all
T141|deals|disputed|A|resolve_refund||refund_pending|-|system>all
T142|deals|disputed|A|resolve_split||refund_pending|-|system>all
T143|deals|disputed|A|resolve_resume|was_working|work_in_progress|I|system>all
T143w|deals|disputed|I B|withdraw_dispute|is_opener was_working|work_in_progress|I|system>all
T144|deals|disputed|A|resolve_resume|was_in_review|work_submitted|B|system>all
T144w|deals|disputed|I B|withdraw_dispute|is_opener was_in_review|work_submitted|B|system>all
T144b|deals|disputed|A|resolve_resume|was_unstarted|payment_completed|I|system>all
T145|deals|disputed|S|timer_dispute||refund_pending|-|system>all
T146|deals|{PAID}|S|bank_dispute_opened||disputed|-|system>all
T146b|deals|disputed|S|bank_dispute_opened||=|same|system>all
T147|deals|disputed|S|bank_dispute_lost|is_bank_dispute|chat_closed|-|system>all
T150|deals|refund_pending|S|refund_processed||chat_closed|-|system>all
T151|deals|refund_pending|S|refund_failed||=|same|system>B
T152|deals|refund_pending|A|mark_refunded_manually||chat_closed|-|system>all
T161|deals|real_time|I B|close_conversation||chat_closed|-|system>all
T161d|direct|real_time|M|close_conversation||chat_closed|-|system>all
T162|deals|real_time|I B|rate_collaboration|is_unrated|=|-|audit>actor
T170|direct|chat_closed|M|reopen_conversation|is_closer is_unblocked|real_time|-|system>all
T180|deals|{BEFORE_PAYMENT} payment_pending|A|force_close||chat_closed|-|system>all
T181|deals|{PAID}|A|force_dispute||disputed|-|system>all
T182|deals|refund_pending real_time|S|bank_dispute_opened||=|same|
T182b|deals|chat_closed|S|bank_dispute_opened|has_order|=|same|
"""

LETTERS = {"I": INFLUENCER, "B": BRAND_OWNER, "S": SYSTEM, "A": ADMIN, "M": MEMBER, "-": None}
FLOWS = {"deals": ("bid", "campaign"), "bid": ("bid",), "campaign": ("campaign",)}
# States that the other flow of deals does not have.
OF_ONE_FLOW = {
    "bid": frozenset({"brand_owner_details", "influencer_reviewing"}),
    "campaign": frozenset({"brand_owner_reviewing"}),
}


@dataclass(frozen=True)
class Row:
    """One move: for one flow, one state and one role."""

    name: str
    kind: str
    state: str
    role: str
    action: str
    guards: tuple[str, ...]
    to: str
    # A role, `other`, `same`, or nobody.
    awaiting: str | None
    # (type, reader) of every message; reader is a role, all, actor or other.
    messages: tuple[tuple[str, str], ...]


def _read_table() -> Iterator[Row]:
    for line in TABLE.strip().split("\n"):
        name, flows, states, roles, action, guards, to, awaiting, messages = line.split("|")
        for kind in FLOWS.get(flows, ("direct",)):
            other = OF_ONE_FLOW["campaign" if kind == "bid" else "bid"]
            for state in states.split():
                for role in roles.split() if state not in other else ():
                    yield Row(
                        name=name,
                        kind=kind,
                        state=state,
                        role=str(LETTERS[role]),
                        action=action,
                        guards=tuple(guards.split()),
                        to=state if to.strip() == "=" else to.strip(),
                        awaiting=LETTERS.get(awaiting, awaiting),
                        messages=tuple(_read_message(m) for m in messages.split()),
                    )


def _read_message(text: str) -> tuple[str, str]:
    kind, reader = text.split(">")
    return kind, LETTERS.get(reader, reader) or ""


ROWS = tuple(_read_table())
CREATION_ACTIONS = ("connect_bid", "apply_to_campaign", "invite_to_campaign", "direct_connect")
