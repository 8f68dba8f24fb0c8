-- Adds the price that flow_data has under a key to the offers of the deal.
--
-- Writes: offers.
create or replace function private.record_offer(p_step private.flow_step, p_key text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation constant public.conversations := p_step.conversation;
begin
  if p_step.is_trial then
    return;
  end if;
  insert into public.offers (
    conversation_id, version, round, made_by, amount_minor, currency, is_final, created_at
  )
  values (
    v_conversation.id, v_conversation.version,
    private.flow_count(v_conversation, 'negotiation_round'), p_step.role,
    (v_conversation.flow_data -> p_key)::bigint, v_conversation.currency,
    coalesce((v_conversation.flow_data -> 'offer_is_final')::boolean, false), p_step.at
  );
end;
$$;

revoke all on function private.record_offer(private.flow_step, text)
from public, anon, authenticated, service_role;
