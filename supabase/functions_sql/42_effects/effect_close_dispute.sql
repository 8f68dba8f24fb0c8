-- The dispute is over, with the action that ended it as its verdict.
--
-- Writes: disputes, legal_holds.
create or replace function private.effect_close_dispute(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data - 'dispute';
  if not p_step.is_trial then
    update private.disputes as d
    set
      verdict = p_step.action,
      closed_by = p_step.actor_id,
      closed_at = p_step.at,
      note = p_step.input ->> 'note'
    where d.conversation_id = v_conversation.id and d.closed_at is null;
    delete from private.legal_holds as h
    where h.conversation_id = v_conversation.id and h.reason = 'dispute';
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_close_dispute(private.flow_step)
from public, anon, authenticated, service_role;
