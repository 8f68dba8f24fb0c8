-- The fields that a party may fill in now: of the actions that are drawn as a form.
create or replace function private.open_forms(
  p_conversation public.conversations,
  p_user_id uuid,
  p_role text
)
returns setof private.flow_inputs
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select i.*
  from private.open_actions(p_conversation, p_user_id, p_role) as a
  join private.flow_inputs as i on i.flow_id = a.flow_id and i.action = a.action
  where a.drawn in ('form', 'both') and i.input_type is not null;
end;
$$;

revoke all on function private.open_forms(public.conversations, uuid, text)
from public, anon, authenticated, service_role;
