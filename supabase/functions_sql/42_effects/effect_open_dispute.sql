-- Freezes the deal until an operator, or the bank, has decided. A dispute that is open already
-- becomes the bank's when the bank joins.
--
-- Writes: disputes, legal_holds.
create or replace function private.effect_open_dispute(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
  v_origin constant text := case p_step.role
    when 'system' then 'bank'
    when 'admin' then 'admin'
    else 'party'
  end;
begin
  v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
    'dispute', jsonb_strip_nulls(jsonb_build_object(
      'origin', v_origin,
      'opened_by', case when v_origin = 'party' then p_step.role end,
      'reason', p_step.input -> 'reason'
    ))
  );
  if (p_step.before).flow_state <> v_conversation.flow_state then
    v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
      'resume', coalesce(v_conversation.flow_data -> 'resume', private.pause_json(p_step))
        || jsonb_build_object('frozen_at', p_step.at)
    );
  end if;
  if not p_step.is_trial then
    insert into private.disputes (conversation_id, opened_by, origin, reason, opened_at)
    values (
      v_conversation.id, p_step.actor_id, v_origin,
      p_step.input ->> 'reason', p_step.at
    )
    on conflict (conversation_id) where closed_at is null do update set origin = v_origin;
    insert into private.legal_holds (conversation_id, reason, placed_at)
    values (v_conversation.id, 'dispute', p_step.at)
    on conflict (conversation_id) do nothing;
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_open_dispute(private.flow_step)
from public, anon, authenticated, service_role;
