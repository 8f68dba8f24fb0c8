-- The offer that is made in this step is the final one; comes before make_offer.
create or replace function private.effect_finalize_offer(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data || '{"offer_is_final": true}';
  return v_conversation;
end;
$$;

revoke all on function private.effect_finalize_offer(private.flow_step)
from public, anon, authenticated, service_role;
