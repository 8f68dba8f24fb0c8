-- Takes the steps that are due in a batch of conversations, and says how many time limits had
-- passed.
--
-- Args: whose conversations (null: everybody's); how many conversations at most, the longest due
-- first. Locks: the conversations, in the order of their ids; what another session holds is passed
-- over. Writes: what private.run_deadlines writes.
create or replace function private.run_due(p_user_id uuid, p_limit integer)
returns integer
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations;
  v_count integer := 0;
begin
  for v_conversation in
    select c.*
    from public.conversations as c
    where c.id in (
      select due.id
      from public.conversations as due
      where due.deadline_at <= now()
        and (p_user_id is null or p_user_id in (due.user_a, due.user_b))
      order by due.deadline_at
      limit p_limit
    )
    order by c.id
    for no key update skip locked
  loop
    perform private.run_deadlines(v_conversation, p_is_trial => false);
    v_count := v_count + (
      select count(*)
      from public.conversation_events as e
      join private.flow_states as s
        on s.flow_id = v_conversation.flow_id and s.state = e.from_state
        and s.deadline_action = e.action
      where e.conversation_id = v_conversation.id and e.version > v_conversation.version
    );
  end loop;
  return v_count;
end;
$$;

revoke all on function private.run_due(uuid, integer)
from public, anon, authenticated, service_role;
