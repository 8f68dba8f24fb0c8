-- An operator has sent a refund by another way than the gateway's; reference is the proof of it.
-- Where the deal itself waits for none, it is for the payments that were to be sent back.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: what private.run_deadlines, and private.operate or
-- private.settle_bounce write.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422), CHAT_CLOSED (409),
-- FLOW_STATE_INVALID (409).
create or replace function private.mark_refunded_manually(
  p_conversation_id uuid,
  p_reference text,
  p_note text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_bounce private.refunds;
  v_bounces integer := 0;
begin
  perform private.require_operator();
  perform private.run_deadlines(
    private.lock_conversation(p_conversation_id, null), p_is_trial => false
  );
  if not exists (
    select from private.refunds as r
    where r.conversation_id = p_conversation_id
      -- One proof is for one refund: whoever presses again must not end another.
      and (r.kind = 'deal' and r.status = 'requested' or r.reference = btrim(p_reference))
  ) then
    for v_bounce in
      select r.* from private.refunds as r
      where r.conversation_id = p_conversation_id
        and r.kind = 'bounce'
        and r.status = 'requested'
      for update
    loop
      perform private.settle_bounce(
        v_bounce, private.require_text(p_reference, 'reference', 200)
      );
      v_bounces := v_bounces + 1;
    end loop;
  end if;
  if v_bounces > 0 then
    return jsonb_build_object(
      'success', true, 'conversation_id', p_conversation_id, 'flow_update', null
    );
  end if;
  return private.operate(
    p_conversation_id, 'mark_refunded_manually',
    jsonb_strip_nulls(jsonb_build_object('reference', p_reference, 'note', p_note))
  );
end;
$$;

-- RPC: operators end a refund; returns `{success, conversation_id, flow_update}`.
create or replace function public.mark_refunded_manually(
  conversation_id uuid,
  reference text,
  note text default null
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.mark_refunded_manually(conversation_id, reference, note);
$$;

revoke all on function private.mark_refunded_manually(uuid, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.mark_refunded_manually(uuid, text, text)
to authenticated, service_role;
revoke all on function public.mark_refunded_manually(uuid, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.mark_refunded_manually(uuid, text, text)
to authenticated, service_role;
