-- Whether the guard of that name holds for a step and a row: the closed list of guards.
--
-- Errors: 20000 (case_not_found) for an unknown name; private.publish_draft lets none get here.
create or replace function private.guard_holds(
  p_guard text,
  p_step private.flow_step,
  p_row private.flow_transitions
)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  case p_guard
    when 'capture_matches' then return private.guard_capture_matches(p_step);
    when 'counter_matches' then return private.guard_counter_matches(p_step);
    when 'has_counter' then return private.guard_has_counter(p_step);
    when 'has_extension' then return private.guard_has_extension(p_step);
    when 'has_order' then return private.guard_has_order(p_step);
    when 'has_question_left' then return private.guard_has_question_left(p_step);
    when 'has_quote' then return private.guard_has_quote(p_step);
    when 'has_revision_left' then return private.guard_has_revision_left(p_step);
    when 'has_round_left' then return private.guard_has_round_left(p_step);
    when 'is_awaited' then return private.guard_is_awaited(p_step);
    when 'is_bank_dispute' then return private.guard_is_bank_dispute(p_step);
    when 'is_closer' then return private.guard_is_closer(p_step);
    when 'is_earlier_round' then return private.guard_is_earlier_round(p_step);
    when 'is_last_round' then return private.guard_is_last_round(p_step);
    when 'is_new_payment' then return private.guard_is_new_payment(p_step);
    when 'is_opener' then return private.guard_is_opener(p_step);
    when 'is_overdue' then return private.guard_is_overdue(p_step);
    when 'is_requester' then return private.guard_is_requester(p_step);
    when 'is_unblocked' then return private.guard_is_unblocked(p_step);
    when 'is_unrated' then return private.guard_is_unrated(p_step);
    when 'nothing_captured' then return private.guard_nothing_captured(p_step);
    when 'offer_matches' then return private.guard_offer_matches(p_step);
    when 'quote_matches' then return private.guard_quote_matches(p_step);
    when 'was_there' then return private.guard_was_there(p_step, p_row);
    else raise exception 'there is no guard %', p_guard using errcode = 'case_not_found';
  end case;
end;
$$;

revoke all on function private.guard_holds(text, private.flow_step, private.flow_transitions)
from public, anon, authenticated, service_role;
