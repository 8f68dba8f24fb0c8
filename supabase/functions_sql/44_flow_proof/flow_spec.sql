-- A flow as the object that private.load_flow_draft makes a draft from, its rows in a fixed order:
-- two flows are the same when their specs are equal.
create or replace function private.flow_spec(p_flow_id bigint)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'kind', f.kind,
      'rules', f.rules,
      'states', (
        select coalesce(jsonb_agg(to_jsonb(s) - 'flow_id' order by s.position, s.state), '[]')
        from private.flow_states as s
        where s.flow_id = f.id
      ),
      'transitions', (
        select coalesce(
          jsonb_agg(
            to_jsonb(t) - 'flow_id' order by t.position, t.from_state, t.role, t.action
          ),
          '[]'
        )
        from private.flow_transitions as t
        where t.flow_id = f.id
      ),
      'messages', (
        select coalesce(
          jsonb_agg(to_jsonb(m) - 'flow_id' order by m.transition, m.position), '[]'
        )
        from private.flow_messages as m
        where m.flow_id = f.id
      ),
      'actions', (
        select coalesce(
          jsonb_agg(
            to_jsonb(a) - 'flow_id' order by a.state, a.role, a.position, a.action
          ),
          '[]'
        )
        from private.flow_actions as a
        where a.flow_id = f.id
      ),
      'inputs', (
        select coalesce(
          jsonb_agg(to_jsonb(i) - 'flow_id' order by i.action, i.position, i.field), '[]'
        )
        from private.flow_inputs as i
        where i.flow_id = f.id
      ),
      'traces', (
        select coalesce(jsonb_agg(to_jsonb(w) - 'flow_id' order by w.name), '[]')
        from private.flow_traces as w
        where w.flow_id = f.id
      )
    )
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
end;
$$;

revoke all on function private.flow_spec(bigint)
from public, anon, authenticated, service_role;
