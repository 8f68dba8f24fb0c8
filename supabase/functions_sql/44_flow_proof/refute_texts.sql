-- Shape: texts name only what can be put in. Finds placeholders that private.flow_values would
-- leave empty in a message, private.deal_values in a button or form, private.take_row in a reason.
create or replace function private.refute_texts(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- What a deal may have in flow_data, which a blank conversation has not.
  c_kept constant text[] := array[
    'offer', 'counter', 'quote', 'proposed_amount', 'agreed_amount'
  ];
  -- What private.flow_values adds; it cannot be asked without a conversation and its people.
  c_added constant text[] := array[
    'influencer', 'brand_owner', 'actor', 'other', 'role', 'subject', 'reason_hint',
    'feedback_hint', 'description_hint', 'notes_hint'
  ];
  v_blank public.conversations;
  v_of_deal text[];
  v_of_step text[];
begin
  v_blank.flow_data := '{}';
  v_of_deal := c_kept || array(select jsonb_object_keys(private.deal_values(v_blank)));
  v_of_step := v_of_deal || c_added || array(
    select jsonb_object_keys(f.rules) from private.flow_definitions as f where f.id = p_flow_id
  );

  return query
  with texts (place, text, known, transition) as (
    select
      'A message of ' || m.transition, concat_ws(' ', m.text, m.title, m.subtitle, m.buttons),
      v_of_step, m.transition
    from private.flow_messages as m
    where m.flow_id = p_flow_id
    union all
    select 'The action ' || a.action, concat_ws(' ', a.text, a.data), v_of_deal, null
    from private.flow_actions as a
    where a.flow_id = p_flow_id
    union all
    select 'The input ' || i.field, i.prefill, v_of_deal, null
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
    union all
    select 'The reason of ' || t.name, t.reason, '{role}', null
    from private.flow_transitions as t
    where t.flow_id = p_flow_id
  )
  select distinct
    'shape', format('%s names {%s}, which nothing fills.', t.place, found.names[1]), null::text,
    null::integer
  from texts as t
  cross join lateral regexp_matches(t.text, '\{([a-z][a-z0-9_]*)\}', 'g') as found (names)
  where found.names[1] <> all (t.known)
    -- What was typed with the action may be named as well.
    and not exists (
      select from private.flow_transitions as r
      join private.flow_inputs as i on i.flow_id = r.flow_id and i.action = r.action
      where r.flow_id = p_flow_id and r.name = t.transition and i.field = found.names[1]
    );
end;
$$;

revoke all on function private.refute_texts(bigint)
from public, anon, authenticated, service_role;
