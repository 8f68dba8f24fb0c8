-- Keeps the forms of a flow's actions that have nothing to fill in, so that private.form_of need
-- not draw them again.
--
-- Writes: flow_forms.
create or replace function private.keep_forms(p_flow_id bigint)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  insert into private.flow_forms
  select form.*
  from (
    select distinct a.action from private.flow_actions as a where a.flow_id = p_flow_id
  ) as drawn
  cross join lateral private.draw_form(p_flow_id, drawn.action, '{}') as form
  where not exists (
    select from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and i.action = drawn.action
      and concat(i.placeholder, i.prefill) like '%{%'
  );
end;
$$;

revoke all on function private.keep_forms(bigint) from public, anon, authenticated, service_role;
