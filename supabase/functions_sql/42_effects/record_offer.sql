-- Adds the price that flow_data has under a key to the offers of the deal.
--
-- Args: the step; its conversation as the effect leaves it; the key of the price, in paise.
-- Writes: offers.
create or replace function private.record_offer(
  p_step private.flow_step,
  p_conversation public.conversations,
  p_key text
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if p_step.is_trial then
    return;
  end if;
  insert into public.offers (
    conversation_id, version, round, made_by, amount_minor, currency, is_final, created_at
  )
  values (
    p_conversation.id, p_conversation.version,
    private.flow_count(p_conversation, 'negotiation_round'), p_step.role,
    (p_conversation.flow_data -> p_key)::bigint, p_conversation.currency,
    coalesce((p_conversation.flow_data -> 'offer_is_final')::boolean, false), p_step.at
  );
end;
$$;

revoke all on function private.record_offer(private.flow_step, public.conversations, text)
from public, anon, authenticated, service_role;
