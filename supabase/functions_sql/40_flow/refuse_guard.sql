-- Ends the call because a guard does not hold.
--
-- Errors: PRICE_CHANGED (409) `{price}`, NEGOTIATION_LIMIT (409) `{max_rounds}`, REVISION_LIMIT
-- (409) `{max_revisions}`, FUNDS_HELD (409), GUARD_FAILED (409) `{guard}`.
create or replace function private.refuse_guard(p_step private.flow_step, p_guard text)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation constant public.conversations := p_step.conversation;
  v_price_key constant text := case p_guard
    when 'offer_matches' then 'offer'
    when 'counter_matches' then 'counter'
    when 'quote_matches' then 'quote'
  end;
begin
  if v_price_key is not null then
    perform private.raise_error(
      'PRICE_CHANGED', 'The price is another one by now.',
      jsonb_build_object('price', v_conversation.flow_data -> v_price_key), p_status => 409,
      p_hint => 'Show the user this price and ask again.'
    );
  end if;
  case p_guard
    when 'has_round_left' then
      perform private.raise_error(
        'NEGOTIATION_LIMIT', 'There is no further round: accept, keep your price, or end here.',
        jsonb_build_object('max_rounds', private.flow_rule(v_conversation, 'max_rounds')),
        p_status => 409
      );
    when 'has_revision_left' then
      perform private.raise_error(
        'REVISION_LIMIT', 'No more changes can be asked for: approve, or open a dispute.',
        jsonb_build_object('max_revisions', private.flow_rule(v_conversation, 'max_revisions')),
        p_status => 409
      );
    when 'nothing_captured' then
      perform private.raise_error(
        'FUNDS_HELD', 'Money was paid for this deal: it cannot just end.', p_status => 409
      );
    else
      perform private.raise_error(
        'GUARD_FAILED', 'This is not possible now.',
        jsonb_build_object('guard', p_guard), p_status => 409,
        p_hint => 'Call get_available_actions to see what can be done now.'
      );
  end case;
end;
$$;

revoke all on function private.refuse_guard(private.flow_step, text)
from public, anon, authenticated, service_role;
