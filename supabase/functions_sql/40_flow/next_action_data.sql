-- What conversations.current_action_data becomes with new messages: the newest action for the
-- party that is awaited now, as both sides may know it; nothing when nobody is; what it was when
-- the new messages ask that party nothing.
create or replace function private.next_action_data(
  p_conversation public.conversations,
  p_notes private.flow_note[]
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_action_data jsonb;
begin
  if p_conversation.awaiting_role is null then
    return null;
  end if;
  select (n.message).action_data into v_action_data
  from unnest(p_notes) with ordinality as n (message, notification, place)
  where (n.message).action_required and (n.message).visible_to = p_conversation.awaiting_role
  order by n.place desc
  limit 1;
  if v_action_data is null then
    return p_conversation.current_action_data;
  end if;
  return jsonb_build_object(
    'action_id', v_action_data -> 'action_id',
    'flow_state', v_action_data -> 'flow_state',
    'message_type', v_action_data -> 'message_type',
    'visible_to', v_action_data -> 'visible_to'
  );
end;
$$;

revoke all on function private.next_action_data(public.conversations, private.flow_note[])
from public, anon, authenticated, service_role;
