-- What a party may do in a conversation now, in the order of the screen.
--
-- Args: the conversation as it is now; the user; the user's role in it.
create or replace function private.open_actions(
  p_conversation public.conversations,
  p_actor_id uuid,
  p_role text
)
returns setof private.flow_actions
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_row private.flow_transitions;
  v_open text[] := array[]::text[];
begin
  v_step.conversation := p_conversation;
  v_step.before := p_conversation;
  v_step.actor_id := p_actor_id;
  v_step.role := p_role;
  v_step.input := '{}';
  v_step.at := now();
  for v_row in
    select t.* from private.flow_transitions as t
    where t.flow_id = p_conversation.flow_id
      and t.from_state = p_conversation.flow_state
      and t.role = p_role
  loop
    if v_row.guards = '{}' or v_row.action <> all (v_open)
      and private.find_failed_guard(v_step, v_row) is null then
      v_open := v_open || v_row.action;
    end if;
  end loop;
  return query
  select a.*
  from private.flow_actions as a
  where a.flow_id = p_conversation.flow_id
    and a.state = p_conversation.flow_state
    and a.role = p_role
    and a.action = any (v_open)
  order by a.position;
end;
$$;

revoke all on function private.open_actions(public.conversations, uuid, text)
from public, anon, authenticated, service_role;
