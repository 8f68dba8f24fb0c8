-- Marks the open action messages that a step leaves behind.
--
-- Leaving a state completes them all. A step that stays completes those whose reader gets a new
-- one now, and the one that offered what was done and cannot be done again.
-- Args: the step after its effects; the row; the new messages.
-- Writes: messages.
create or replace function private.complete_actions(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_notes private.flow_note[]
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_stays constant boolean := p_row.to_state = p_row.from_state;
  v_renewed text[];
  v_is_done boolean := false;
begin
  if v_stays then
    v_renewed := array(
      select (n.message).visible_to from unnest(p_notes) as n where (n.message).action_required
    );
    v_is_done := p_step.actor_id is not null and not exists (
      select from private.open_actions(p_step.conversation, p_step.actor_id, p_step.role) as a
      where a.action = p_step.action
    );
  end if;
  update public.messages as m
  set
    action_completed = true,
    -- What a checkout was to be filled in with is of no use any more, and personal.
    action_data = m.action_data #- '{payment_order,razorpay_config,prefill}' || jsonb_build_object(
      'completed_by', p_step.role, 'completed_action', p_step.action
    ),
    updated_at = clock_timestamp()
  where m.conversation_id = (p_step.conversation).id
    and m.action_required
    and not m.action_completed
    and (
      not v_stays
      or m.visible_to = any (v_renewed)
      or v_is_done and m.visible_to in (p_step.role, 'all')
        and m.action_data -> 'buttons' @> jsonb_build_array(
          jsonb_build_object('action', p_step.action)
        )
    );
end;
$$;

revoke all on function private.complete_actions(
  private.flow_step, private.flow_transitions, private.flow_note[]
) from public, anon, authenticated, service_role;
