-- The step that follows at once on a row of the flow; one without an action when none does.
--
-- What the system does next always follows; what the actor would do next, when the input that came
-- with the first action has all that it needs.
-- Args: the step just taken; its row; the step as it was asked for, with its input untouched.
create or replace function private.plan_follow_up(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_asked private.flow_step
)
returns private.flow_step
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_next private.flow_step;
  v_role text;
begin
  if p_row.follow_up is null then
    return v_next;
  end if;
  select t.role into v_role
  from private.flow_transitions as t
  where t.flow_id = p_row.flow_id
    and t.from_state = p_row.to_state
    and t.action = p_row.follow_up
    and t.role in ('system', p_step.role)
  limit 1;
  if v_role is null or v_role <> 'system' and exists (
    select from private.flow_inputs as i
    where i.flow_id = p_row.flow_id
      and i.action = p_row.follow_up
      and i.required
      and coalesce(p_asked.input -> i.field, 'null') = 'null'
  ) then
    return v_next;
  end if;
  v_next := p_step;
  v_next.action := p_row.follow_up;
  v_next.role := v_role;
  v_next.input := p_asked.input;
  if v_role = 'system' then
    v_next.actor_id := null;
    v_next.input := '{}';
  end if;
  return v_next;
end;
$$;

revoke all on function private.plan_follow_up(
  private.flow_step, private.flow_transitions, private.flow_step
) from public, anon, authenticated, service_role;
