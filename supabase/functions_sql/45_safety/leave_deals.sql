-- Takes the state's step for a block in every deal of two users: the deal ends before the payment
-- and closes after the work; while it holds money it goes on without free text.
--
-- Args: the user who blocks; the blocked user (null: all others, when a login is deleted). Locks:
-- the deals, in the order of their ids; for a block, private.lock_pair must have been called.
-- Writes: as private.run_deadlines and private.advance_conversation.
-- Errors: none; the proof shows that a block's step can always be taken.
create or replace function private.leave_deals(p_user_id uuid, p_other_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations;
  v_step private.flow_step;
begin
  v_step.actor_id := p_user_id;
  v_step.is_trial := false;
  for v_conversation in
    select c.*
    from private.conversations as c
    where p_user_id in (c.user_a, c.user_b)
      and (p_other_id is null or p_other_id in (c.user_a, c.user_b))
      and c.kind <> 'direct'
      and c.chat_status <> 'closed'
    order by c.id
    for no key update
  loop
    v_step.conversation := private.run_deadlines(v_conversation, p_is_trial => false);
    v_step.role := private.role_in(v_conversation, p_user_id);
    v_step.input := '{}';
    v_step.at := clock_timestamp();
    v_step.action := (
      select s.on_block
      from private.flow_states as s
      where s.flow_id = (v_step.conversation).flow_id
        and s.state = (v_step.conversation).flow_state
    );
    if v_step.action is not null then
      perform private.advance_conversation(v_step);
    end if;
  end loop;
end;
$$;
