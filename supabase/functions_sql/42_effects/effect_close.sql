-- Notes why and by whom the conversation was closed; what was still open with it ends too.
--
-- Writes: requests (one that is alive is closed), payment_orders (an open one is cancelled).
create or replace function private.effect_close(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.close_reason := p_step.reason;
  -- Both sides may read it: an operator stays unnamed.
  v_conversation.closed_by := case when p_step.role <> 'admin' then p_step.actor_id end;
  v_conversation.flow_data := v_conversation.flow_data - 'payment_order';
  if not p_step.is_trial then
    update public.requests as r
    set status = 'closed', updated_at = p_step.at
    where r.id = v_conversation.request_id and r.status in ('pending', 'accepted');
    update private.payment_orders as o
    set status = 'cancelled', updated_at = p_step.at
    where o.conversation_id = v_conversation.id and o.status = 'open';
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_close(private.flow_step)
from public, anon, authenticated, service_role;
