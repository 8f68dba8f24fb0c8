-- Shape: messages reach a party that can take the offered actions, and their texts have only known
-- placeholders.
create or replace function private.refute_messages(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_parties constant text[] := (
    select private.list_party_roles(f.kind)
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
  -- Keys of flow_data that a deal may have and a blank conversation has not.
  c_kept constant text[] := array[
    'offer', 'counter', 'quote', 'proposed_amount', 'agreed_amount'
  ];
  -- Values that private.flow_values adds; it cannot be called without a conversation and its
  -- members.
  c_added constant text[] := array[
    'influencer', 'brand_owner', 'actor', 'other', 'role', 'subject', 'reason_hint'
  ];
  v_blank private.conversations;
  v_of_deal text[];
  v_of_step text[];
begin
  -- Messages to the actor where no party acts or to one of two members, offers of actions that
  -- their reader may not take next, and rows that lead to a party's turn without an automated
  -- message about it.
  return query
  with rows_of_flow as materialized (
    select t.* from private.flow_transitions as t where t.flow_id = p_flow_id
  ),
  -- Each message of each row, with the parties that read it.
  read as materialized (
    select
      t.name, t.role, t.action, t.from_state, t.to_state, m.position, m.message_type, m.audience,
      m.buttons, reader.role as reader
    from private.flow_messages as m
    join rows_of_flow as t on t.name = m.transition
    left join unnest(v_parties) as reader (role)
      on case m.audience
        when 'all' then true
        when 'actor' then reader.role = t.role
        when 'other' then t.role = any (v_parties) and reader.role <> t.role
        else reader.role = m.audience
      end
    where m.flow_id = p_flow_id
  ),
  said (message) as (
    select format('A message of %s is for the %s, and there is none.', r.name, r.audience)
    from read as r
    where r.reader is null
    union all
    select format('A message of %s is for the %s, but members read everything.', r.name, r.audience)
    from read as r
    where r.reader = 'member' and r.audience <> 'all'
    union all
    select
      format('%s calls on the %s, who may do nothing in %s.', r.name, r.reader, r.to_state)
    from read as r
    where r.message_type = 'automated' and r.reader is not null
      and not exists (
        select from rows_of_flow as t where t.from_state = r.to_state and t.role = r.reader
      )
    union all
    select
      format('%s offers %s to the %s, who may not in %s.', r.name, b.action, r.reader, r.to_state)
    from read as r
    cross join lateral jsonb_object_keys(
      case jsonb_typeof(r.buttons) when 'object' then r.buttons else '{}' end
    ) as b (action)
    where r.reader is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = r.to_state and t.role = r.reader and t.action = b.action
      )
    union all
    select format('The buttons of a message of %s are no object of texts.', r.name)
    from read as r
    where jsonb_typeof(r.buttons) <> 'object'
      or r.buttons @? 'strict $.* ? (@.type() != "string" && @.type() != "null")'
    union all
    select
      format('%s leads to the turn of the %s and does not call on them.', t.name, next.role)
    from rows_of_flow as t
    cross join lateral (
      select case
        when t.awaiting = 'other' then private.other_role(t.role)
        else t.awaiting
      end
    ) as next (role)
    where t.to_state <> t.from_state and next.role = any (v_parties)
      and not exists (
        select from read as r
        where r.name = t.name and r.role = t.role and r.action = t.action
          and r.from_state = t.from_state and r.to_state = t.to_state
          and r.message_type = 'automated' and r.reader = next.role
      )
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;

  -- Placeholders that private.flow_values would leave empty in a message, private.deal_values in a
  -- button or form, private.advance_conversation in a reason.
  v_blank.flow_data := '{}';
  v_of_deal := c_kept || array(select jsonb_object_keys(private.deal_values(v_blank)));
  v_of_step := v_of_deal || c_added || array(
    select jsonb_object_keys(f.rules) from private.flow_definitions as f where f.id = p_flow_id
  );

  return query
  with texts (place, text, known, transition) as (
    select
      'A message of ' || m.transition,
      concat_ws(' ', m.text, m.title, m.subtitle, m.quote, m.buttons), v_of_step, m.transition
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
    -- The inputs of the action may be named as well.
    and not exists (
      select from private.flow_transitions as r
      join private.flow_inputs as i on i.flow_id = r.flow_id and i.action = r.action
      where r.flow_id = p_flow_id and r.name = t.transition and i.field = found.names[1]
    );

  -- A party's text in the system's voice: it belongs into the quote.
  return query
  select distinct
    'shape',
    format('A message of %s has {%s} in its text, which a party typed: quote it.', t.name, n.name),
    null::text, null::integer
  from private.flow_messages as m
  join private.flow_transitions as t
    on t.flow_id = m.flow_id and t.name = m.transition and t.role = any (v_parties)
  cross join lateral (
    select i.field
    from private.flow_inputs as i
    where i.flow_id = m.flow_id and i.action = t.action
      and i.type in ('text', 'textarea', 'email')
    union
    select unnest('{details,pitch,reason_hint}'::text[])
  ) as n (name)
  where m.flow_id = p_flow_id
    and position('{' || n.name || '}' in concat(m.text, m.title, m.subtitle, m.buttons)) > 0;
end;
$$;
