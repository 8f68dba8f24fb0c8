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
influencer_accepts_request|bid|influencer_responding|I|accept_connection|\
  |brand_owner_details|B|audit>actor
influencer_accepts_invitation|campaign|influencer_responding|I|accept_connection|\
  |brand_owner_pricing|B|audit>actor
influencer_declines_connection|deals|influencer_responding|I|reject_connection|\
  |chat_closed|-|system>other audit>actor
brand_owner_accepts_application|campaign|brand_owner_reviewing|B|accept_application|\
  |brand_owner_pricing|B|system>other audit>actor
brand_owner_accepts_quote|campaign|brand_owner_reviewing|B|accept_application_at_quote|\
  has_quote quote_matches|payment_pending|B|system>other audit>actor
brand_owner_declines_application|campaign|brand_owner_reviewing|B|reject_application|\
  |chat_closed|-|system>other audit>actor
brand_owner_sends_details|bid|brand_owner_details|B|send_project_details|\
  |influencer_reviewing|I|audit>actor
influencer_accepts_project|bid|influencer_reviewing|I|accept_project|\
  |brand_owner_pricing|B|audit>actor
influencer_asks_about_details|bid|influencer_reviewing|I|request_details_change|\
  has_question_left|brand_owner_details|B|audit>actor
influencer_declines_project|bid|influencer_reviewing|I|reject_project|\
  |chat_closed|-|system>other audit>actor
brand_owner_offers_price|deals|brand_owner_pricing|B|send_price_offer|\
  |influencer_price_response|I|audit>actor
influencer_accepts_price|deals|influencer_price_response|I|accept_price|\
  offer_matches|payment_pending|B|system>actor audit>actor
influencer_starts_counter|deals|influencer_price_response|I|negotiate_price||negotiation_input|I|
influencer_declines_price|deals|influencer_price_response|I|reject_price|\
  |brand_owner_negotiation|B|audit>actor
influencer_sends_counter|deals|negotiation_input|I|submit_counter|\
  is_awaited|brand_owner_negotiation|B|audit>actor
influencer_goes_back|deals|negotiation_input|I|back|\
  is_awaited has_return_left|influencer_price_response|I|
brand_owner_sends_counter|deals|negotiation_input|B|submit_counter|\
  is_awaited is_earlier_round|influencer_price_response|I|audit>actor
brand_owner_sends_last_counter|deals|negotiation_input|B|submit_counter|\
  is_awaited is_last_round|influencer_final_response|I|audit>actor
brand_owner_goes_back|deals|negotiation_input|B|back|\
  is_awaited has_return_left|brand_owner_negotiation|B|
brand_owner_accepts_counter|deals|brand_owner_negotiation|B|accept_counter|\
  has_counter counter_matches|payment_pending|B|system>other audit>actor
brand_owner_starts_counter|deals|brand_owner_negotiation|B|make_counter_offer|\
  has_round_left|negotiation_input|B|
brand_owner_holds_price|deals|brand_owner_negotiation|B|hold_price|\
  |influencer_final_response|I|audit>actor
influencer_accepts_final_price|deals|influencer_final_response|I|accept_price|\
  offer_matches|payment_pending|B|audit>actor
influencer_declines_final_price|deals|influencer_final_response|I|reject_price|\
  |chat_closed|-|system>other audit>actor
party_ends_conversation|deals|{BEFORE_PAYMENT}|I B|end_conversation|\
  |chat_closed|-|system>other audit>actor
nobody_answers_in_time|deals|{BEFORE_PAYMENT}|S|timer_idle||chat_closed|-|system>all
brand_owner_starts_payment|deals|payment_pending|B|proceed_to_payment||=|B|automated>B audit>actor
payment_arrives|deals|payment_pending|S|payment_captured|\
  has_order capture_matches is_new_payment|payment_completed|I|system>B
payment_fails|deals|payment_pending|S|payment_failed|has_order|=|B|system>B
payment_differs|deals|payment_pending|S|payment_mismatch|has_order is_new_payment|=|B|system>B
party_leaves_payment|deals|payment_pending|I B|end_conversation|\
  nothing_captured|chat_closed|-|system>other audit>actor
payment_window_passes|deals|payment_pending|S|timer_payment_window|\
  nothing_captured|chat_closed|-|system>all
payment_arrives_late|deals|chat_closed|S|payment_captured|has_order is_new_payment|=|same|system>B
payment_arrives_twice|deals|{PAID} disputed refund_pending real_time|S|payment_captured|\
  is_new_payment|=|same|system>B
influencer_starts_work|deals|payment_completed|I|start_work||work_in_progress|I|system>other
influencer_declines_work|deals|payment_completed|I|decline_work|\
  |refund_pending|-|system>other audit>actor
brand_owner_cancels_before_start|deals|payment_completed|B|cancel_before_start|\
  |refund_pending|-|system>other audit>actor
start_window_passes|deals|payment_completed|S|timer_start_window||refund_pending|-|system>all
influencer_submits_work|deals|work_in_progress|I|submit_work||work_submitted|B|audit>actor
party_requests_cancellation|deals|work_in_progress|I B|request_cancellation|\
  has_cancellation_left|cancellation_requested|other|audit>actor
party_opens_dispute|deals|work_in_progress work_submitted|I B|raise_dispute|\
  has_dispute_left|disputed|-|system>all
brand_owner_cancels_overdue_work|deals|work_in_progress|B|cancel_overdue|\
  is_overdue has_no_submission|refund_pending|-|system>other audit>actor
brand_owner_disputes_overdue_revision|deals|work_in_progress|B|cancel_overdue|\
  is_overdue has_submission has_dispute_left|disputed|-|system>all
influencer_gives_up_work|deals|work_in_progress|I|give_up_work|\
  |refund_pending|-|system>other audit>actor
work_limit_passes|deals|work_in_progress|S|timer_work_limit|\
  has_no_submission|refund_pending|-|system>all
revision_limit_passes|deals|work_in_progress|S|timer_work_limit|\
  has_submission|disputed|-|system>all
influencer_requests_extension|deals|work_in_progress|I|request_extension|\
  has_extension_left|=|I|automated>other audit>actor
brand_owner_grants_extension|deals|work_in_progress|B|accept_extension|\
  has_extension|=|I|system>other audit>actor
brand_owner_declines_extension|deals|work_in_progress|B|decline_extension|\
  has_extension|=|I|system>other audit>actor
brand_owner_approves_work|deals|work_submitted|B|approve_work|\
  |work_approved|-|system>other audit>actor
free_chat_begins|deals|work_approved|S|enable_real_time||real_time|-|system>all
brand_owner_requests_revision|deals|work_submitted|B|request_revision|\
  has_revision_left|work_in_progress|I|audit>actor
party_requests_cancellation|deals|work_submitted|I B|request_cancellation|\
  has_cancellation_left|cancellation_requested|other|audit>actor
review_window_passes|deals|work_submitted|S|timer_review_window||work_approved|-|system>all
influencer_withdraws_submission|deals|work_submitted|I|withdraw_submission|\
  has_withdrawal_left|work_in_progress|I|system>other audit>actor
party_accepts_cancellation|deals|cancellation_requested|I B|accept_cancellation|\
  is_awaited|refund_pending|-|system>all
cancellation_declined_work_resumes|deals|cancellation_requested|I B|decline_cancellation|\
  is_awaited was_working|work_in_progress|I|system>other
cancellation_declined_review_resumes|deals|cancellation_requested|I B|decline_cancellation|\
  is_awaited was_in_review|work_submitted|B|system>other
cancellation_withdrawn_work_resumes|deals|cancellation_requested|I B|withdraw_cancellation|\
  is_requester was_working|work_in_progress|I|system>other
cancellation_withdrawn_review_resumes|deals|cancellation_requested|I B|withdraw_cancellation|\
  is_requester was_in_review|work_submitted|B|system>other
cancellation_unanswered_work_resumes|deals|cancellation_requested|S|timer_cancellation|\
  was_working|work_in_progress|I|system>all
cancellation_unanswered_review_resumes|deals|cancellation_requested|S|timer_cancellation|\
  was_in_review|work_submitted|B|system>all
party_opens_dispute|deals|cancellation_requested|I B|raise_dispute|\
  has_dispute_left|disputed|-|system>all
operator_releases_money|deals|disputed|A|resolve_release||work_approved|-|system>all
operator_refunds_money|deals|disputed|A|resolve_refund||refund_pending|-|system>all
operator_splits_money|deals|disputed|A|resolve_split||refund_pending|-|system>all
operator_resumes_work|deals|disputed|A|resolve_resume|was_working|work_in_progress|I|system>all
dispute_withdrawn_work_resumes|deals|disputed|I B|withdraw_dispute|\
  is_opener was_working|work_in_progress|I|system>all
operator_resumes_review|deals|disputed|A|resolve_resume|was_in_review|work_submitted|B|system>all
dispute_withdrawn_review_resumes|deals|disputed|I B|withdraw_dispute|\
  is_opener was_in_review|work_submitted|B|system>all
operator_resumes_start|deals|disputed|A|resolve_resume|was_unstarted|payment_completed|I|system>all
dispute_limit_passes|deals|disputed|S|timer_dispute|\
  has_no_submission|refund_pending|-|system>all
dispute_limit_passes_after_submission|deals|disputed|S|timer_dispute|\
  has_submission|work_approved|-|system>all
bank_opens_dispute|deals|{PAID}|S|bank_dispute_opened||disputed|-|system>all
bank_joins_dispute|deals|disputed|S|bank_dispute_opened||=|same|system>all
bank_takes_money_back|deals|disputed|S|bank_dispute_lost|is_bank_dispute|chat_closed|-|system>all
refund_arrives|deals|refund_pending|S|refund_processed||chat_closed|-|system>B system>I
refund_fails|deals|refund_pending|S|refund_failed||=|same|system>B
operator_confirms_refund|deals|refund_pending|A|mark_refunded_manually||chat_closed|-|\
  system>B system>I
party_closes_chat|deals|real_time|I B|close_conversation||chat_closed|-|system>all
party_closes_chat|direct|real_time|M|close_conversation|\
  has_closing_left|chat_closed|-|system>all
party_rates_collaboration|deals|real_time chat_closed|I B|rate_collaboration|\
  is_unrated may_rate|=|-|audit>actor
member_reopens_chat|direct|chat_closed|M|reopen_conversation|\
  is_closer is_unblocked has_reopening_left|real_time|-|system>all
operator_closes_deal|deals|{BEFORE_PAYMENT} payment_pending|A|force_close|nothing_captured|\
  chat_closed|-|system>all
operator_stops_deal|deals|{PAID}|A|force_dispute||disputed|-|system>all
bank_disputes_late|deals|refund_pending real_time|S|bank_dispute_opened||=|same|
bank_disputes_after_the_end|deals|chat_closed|S|bank_dispute_opened|has_order|=|same|
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
