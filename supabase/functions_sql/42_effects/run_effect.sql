-- Runs the effect of that name and returns the conversation as it leaves it: the closed list of
-- effects.
--
-- Errors: 20000 (case_not_found) for an unknown name; private.publish_draft lets none get here.
-- Writes: what the effects write, unless the step is a trial.
create or replace function private.run_effect(p_effect text, p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  case p_effect
    when 'accept_extension' then return private.effect_accept_extension(p_step);
    when 'accept_request' then return private.effect_accept_request(p_step);
    when 'agree_on_counter' then return private.effect_agree_on_counter(p_step);
    when 'agree_on_offer' then return private.effect_agree_on_offer(p_step);
    when 'agree_on_quote' then return private.effect_agree_on_quote(p_step);
    when 'approve_work' then return private.effect_approve_work(p_step);
    when 'bounce_payment' then return private.effect_bounce_payment(p_step);
    when 'charge_back' then return private.effect_charge_back(p_step);
    when 'close' then return private.effect_close(p_step);
    when 'close_dispute' then return private.effect_close_dispute(p_step);
    when 'count_question' then return private.effect_count_question(p_step);
    when 'drop_cancellation' then return private.effect_drop_cancellation(p_step);
    when 'drop_extension' then return private.effect_drop_extension(p_step);
    when 'finalize_offer' then return private.effect_finalize_offer(p_step);
    when 'hold_funds' then return private.effect_hold_funds(p_step);
    when 'hold_offer' then return private.effect_hold_offer(p_step);
    when 'keep_details' then return private.effect_keep_details(p_step);
    when 'keep_rating' then return private.effect_keep_rating(p_step);
    when 'make_counter' then return private.effect_make_counter(p_step);
    when 'make_offer' then return private.effect_make_offer(p_step);
    when 'note_attempt' then return private.effect_note_attempt(p_step);
    when 'open_dispute' then return private.effect_open_dispute(p_step);
    when 'open_order' then return private.effect_open_order(p_step);
    when 'propose_cancellation' then return private.effect_propose_cancellation(p_step);
    when 'propose_extension' then return private.effect_propose_extension(p_step);
    when 'raise_alert' then return private.effect_raise_alert(p_step);
    when 'reject_request' then return private.effect_reject_request(p_step);
    when 'release_funds' then return private.effect_release_funds(p_step);
    when 'reopen' then return private.effect_reopen(p_step);
    when 'request_agreed_refund' then return private.effect_request_agreed_refund(p_step);
    when 'request_refund' then return private.effect_request_refund(p_step);
    when 'request_revision' then return private.effect_request_revision(p_step);
    when 'request_split_refund' then return private.effect_request_split_refund(p_step);
    when 'resume' then return private.effect_resume(p_step);
    when 'retry_refund' then return private.effect_retry_refund(p_step);
    when 'settle_refund' then return private.effect_settle_refund(p_step);
    when 'start_work' then return private.effect_start_work(p_step);
    when 'store_submission' then return private.effect_store_submission(p_step);
    when 'withdraw_submission' then return private.effect_withdraw_submission(p_step);
    else raise exception 'there is no effect %', p_effect using errcode = 'case_not_found';
  end case;
end;
$$;

revoke all on function private.run_effect(text, private.flow_step)
from public, anon, authenticated, service_role;
