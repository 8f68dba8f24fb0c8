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
  -- What a deal may have in flow_data, and the people, whom a blank conversation has not.
  c_kept constant text[] := array[
    'offer', 'counter', 'quote', 'proposed_amount', 'agreed_amount'
  ];
  c_people constant text[] := array['influencer', 'brand_owner', 'actor', 'other'];
  v_step private.flow_step;
  v_blank public.conversations;
  v_of_deal text[];
  v_of_step text[];
begin
  v_blank.flow_id := p_flow_id;
  v_blank.flow_data := '{}';
  v_step.conversation := v_blank;
  v_step.input := '{}';
  v_of_deal := c_kept || array(select jsonb_object_keys(private.deal_values(v_blank)));
  v_of_step := c_kept || c_people || array(select jsonb_object_keys(private.flow_values(v_step)));

  return query
  with texts (place, text, known) as (
    select
      'A message of ' || m.transition, concat_ws(' ', m.text, m.title, m.subtitle, m.buttons),
      v_of_step || array(
        select i.field
        from private.flow_transitions as t
        join private.flow_inputs as i on i.flow_id = t.flow_id and i.action = t.action
        where t.flow_id = p_flow_id and t.name = m.transition
      )
    from private.flow_messages as m
    where m.flow_id = p_flow_id
    union all
    select 'The action ' || a.action, concat_ws(' ', a.text, a.data), v_of_deal
    from private.flow_actions as a
    where a.flow_id = p_flow_id
    union all
    select 'The input ' || i.field, i.prefill, v_of_deal
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
    union all
    select 'The reason of ' || t.name, t.reason, '{role}'
    from private.flow_transitions as t
    where t.flow_id = p_flow_id
  )
  select distinct
    'shape', format('%s names {%s}, which nothing fills.', t.place, found.names[1]), null::text,
    null::integer
  from texts as t
  cross join lateral regexp_matches(t.text, '\{([a-z][a-z0-9_]*)\}', 'g') as found (names)
  where found.names[1] <> all (t.known);
end;
$$;

revoke all on function private.refute_texts(bigint)
from public, anon, authenticated, service_role;
