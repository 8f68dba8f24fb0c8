-- Shape: rows name existing things in consistent combinations, with values that the engine can use.
create or replace function private.refute_rows(p_flow_id bigint)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  c_of_all_kinds constant text[] := array['close', 'reopen', 'raise_alert'];
  c_offers constant text[] := array['make_offer', 'make_counter', 'hold_offer'];
  v_kind constant text := (
    select f.kind from private.flow_definitions as f where f.id = p_flow_id
  );
  v_rules constant jsonb := (
    select f.rules from private.flow_definitions as f where f.id = p_flow_id
  );
  v_parties constant text[] := (
    select private.list_party_roles(f.kind)
    from private.flow_definitions as f
    where f.id = p_flow_id
  );
  c_work_statuses constant text[] := array[
    'in_progress', 'submitted', 'revision_requested', 'approved', 'cancelled', 'disputed'
  ];
  -- The largest integer that is exact in JSON everywhere: RFC 8259, section 6.
  c_max_exact constant numeric := 9007199254740991;
begin
  -- Unknown guards, effects and roles; several effects on the money in one row; flows without a
  -- start or an end; rows that close without the effect `close`, or have it and do not close.
  return query
  select 'shape', said.message, null::text, null::integer
  from private.flow_transitions as t
  cross join lateral (
    select format('%s names the unknown guard %s.', t.name, g.name)
    from unnest(t.guards) as g (name)
    where g.name is null or g.name not in (select k.name from private.flow_guards as k)
    union all
    select format('%s names the unknown effect %s.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where e.name is null or e.name not in (select k.name from private.flow_effects as k)
    union all
    select format('%s moves the money more than once.', t.name)
    from private.flow_effects as k
    where k.name = any (t.effects) and k.money_after is not null
    having count(*) > 1
    union all
    select format('%s is for the %s, whom this kind does not have.', t.name, t.role)
    where t.role <> all (v_parties || '{system,admin}'::text[])
    union all
    select format('%s awaits the %s, whom this kind does not have.', t.name, t.awaiting)
    where t.awaiting not in ('other', 'unchanged') and t.awaiting <> all (v_parties)
    union all
    select format('%s awaits the other party, but no party takes it.', t.name)
    where t.awaiting = 'other' and t.role <> all (v_parties)
    union all
    select format('%s leads to initial, where nothing can be.', t.name)
    where t.to_state = 'initial'
    union all
    select format('%s begins a conversation, but no party takes it.', t.name)
    where t.from_state = 'initial' and t.role <> all (v_parties)
    union all
    select format('%s leads to chat_closed without the effect close.', t.name)
    where t.to_state = 'chat_closed' and t.from_state <> 'chat_closed'
      and 'close' <> all (t.effects)
    union all
    select format('%s has the effect close and does not lead to chat_closed.', t.name)
    where (t.to_state <> 'chat_closed' or t.from_state = 'chat_closed')
      and 'close' = any (t.effects)
  ) as said (message)
  where t.flow_id = p_flow_id
  union all
  select 'shape', format('The state %s is missing.', needed.state), null, null
  from unnest('{initial,chat_closed}'::text[]) as needed (state)
  where not exists (
    select from private.flow_states as s
    where s.flow_id = p_flow_id and s.state = needed.state
  );

  -- Deadlines, blocks and follow-ups whose action has no row; actions of users that are not drawn,
  -- and drawn ones that do not exist; inputs and messages without their action or row; limits that
  -- no input can meet.
  return query
  with rows_of_flow as materialized (
    select t.* from private.flow_transitions as t where t.flow_id = p_flow_id
  ),
  said (message) as (
    select format('After its time limit %s does %s, which has no row.', s.state, s.deadline_action)
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.deadline_action is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = s.state and t.role = 'system' and t.action = s.deadline_action
      )
    union all
    select format('A block by the %s in %s does %s, which has no row.', p.role, s.state, s.on_block)
    from private.flow_states as s
    cross join unnest(v_parties) as p (role)
    where s.flow_id = p_flow_id and s.on_block is not null
      and not exists (
        select from rows_of_flow as t
        where t.from_state = s.state and t.role = p.role and t.action = s.on_block
      )
    union all
    select format('%s is followed by %s, which has no row in %s.', t.name, t.follow_up, t.to_state)
    from rows_of_flow as t
    where t.follow_up is not null
      and not exists (
        select from rows_of_flow as n
        where n.from_state = t.to_state and n.action = t.follow_up
          and n.role in (t.role, 'system')
      )
    union all
    select format('The %s''s %s in %s is not drawn.', t.role, t.action, t.from_state)
    from rows_of_flow as t
    where t.role = any (v_parties) and t.from_state <> 'initial'
      and not exists (
        select from private.flow_actions as a
        where a.flow_id = p_flow_id and a.state = t.from_state and a.role = t.role
          and a.action = t.action
      )
    union all
    select format('The %s''s %s in %s is drawn and has no row.', a.role, a.action, a.state)
    from private.flow_actions as a
    where a.flow_id = p_flow_id
      and not exists (
        select from rows_of_flow as t
        where t.from_state = a.state and t.role = a.role and t.action = a.action
      )
    union all
    select format('%s has the input %s and no row.', i.action, i.field)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and not exists (select from rows_of_flow as t where t.action = i.action)
    union all
    select format('The input %s of %s has its min above its max.', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.min > i.max
    union all
    select format('There is a message of %s, which is no row.', m.transition)
    from private.flow_messages as m
    where m.flow_id = p_flow_id
      and not exists (select from rows_of_flow as t where t.name = m.transition)
    union all
    select format('Line %s of the walk "%s" is not "role action state".', l.number, w.name)
    from private.flow_traces as w
    cross join lateral unnest(string_to_array(trim(w.steps, e' \n'), e'\n'))
      with ordinality as l (text, number)
    where w.flow_id = p_flow_id and trim(l.text) !~ '^\S+\s+\S+\s+\S+$'
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;

  -- Rows whose effects could not be stored: an effect that is named twice, or without its guard or
  -- its actor, several prices in one row, effects of deals in direct conversations, and deals that
  -- are opened again, when another may be open instead.
  return query
  select distinct 'shape', said.message, null::text, null::integer
  from private.flow_transitions as t
  cross join lateral (
    select format('%s names the effect %s more than once.', t.name, e.name)
    from unnest(t.effects) as e (name)
    group by e.name
    having count(*) > 1
    union all
    select format('%s names more than one price.', t.name)
    from unnest(t.effects) as e (name)
    where e.name = any (c_offers)
    having count(distinct e.name) > 1
    union all
    select format('%s has the effect %s without the guard %s.', t.name, need.effect, need.guard)
    from (
      values
        ('hold_funds', 'capture_matches'),
        ('hold_funds', 'is_new_payment'),
        ('bounce_payment', 'is_new_payment'),
        ('keep_rating', 'is_unrated')
    ) as need (effect, guard)
    where need.effect = any (t.effects) and need.guard <> all (t.guards)
    union all
    select format('%s has the guard %s without the rule %s.', t.name, a.guard, a.rule)
    from private.flow_allowances as a
    where a.guard = any (t.guards) and not v_rules ? a.rule
    union all
    select format('%s has the effect %s, which only a party of a deal can have.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where e.name = any (c_offers || 'keep_rating'::text)
      and t.role not in ('influencer', 'brand_owner')
    union all
    select format('%s has the effect %s, which only deals can have.', t.name, e.name)
    from unnest(t.effects) as e (name)
    where v_kind = 'direct' and e.name <> all (c_of_all_kinds)
    union all
    select format('%s opens a deal again, whose place another may have taken.', t.name)
    where v_kind <> 'direct' and t.from_state = 'chat_closed' and t.to_state <> 'chat_closed'
  ) as said (message)
  where t.flow_id = p_flow_id;

  -- Times that are too short or too long, work statuses that conversations do not have, buttons
  -- that carry no texts, and names and limits that no client could use.
  return query
  with said (message) as (
    select format('The time limit of %s must be from 1 minute to 10 years.', s.state)
    from private.flow_states as s
    where s.flow_id = p_flow_id
      and (
        s.lasts not between interval '1 minute' and interval '10 years'
        -- A sum of parts with different signs may be a date that does not exist.
        or least(
          extract(year from s.lasts), extract(month from s.lasts), extract(day from s.lasts),
          extract(hour from s.lasts), extract(minute from s.lasts), extract(second from s.lasts)
        ) < 0
      )
    union all
    select format('%s has the work status %s, which does not exist.', s.state, s.work_status)
    from private.flow_states as s
    where s.flow_id = p_flow_id and s.work_status <> all (c_work_statuses)
    union all
    select
      format('What the %s''s %s in %s carries is no object of texts.', a.role, a.action, a.state)
    from private.flow_actions as a
    where a.flow_id = p_flow_id
      and (
        jsonb_typeof(a.data) <> 'object' or a.data @? 'strict $.* ? (@.type() != "string")'
      )
    union all
    select format('The name of the row "%s" has more than letters, digits and "_".', t.name)
    from private.flow_transitions as t
    where t.flow_id = p_flow_id and t.name !~ '^[A-Za-z0-9_]{1,62}$'
    union all
    select format('The reason of %s has more than a to z, "_" and braces.', t.name)
    from private.flow_transitions as t
    where t.flow_id = p_flow_id and t.reason !~ '^[a-z_{}]{1,100}$'
    union all
    select format('The input "%s" of %s has more than a to z, digits and "_".', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.field !~ '^[a-z][a-z0-9_]{0,62}$'
    union all
    select format(
      'The input %s of %s is named like a price in paise, which only the engine adds.',
      i.field, i.action
    )
    from private.flow_inputs as i
    where i.flow_id = p_flow_id and i.field like '%\_minor' and i.field <> 'amount_minor'
    union all
    select format('The input %s of %s has a limit that is no number.', i.field, i.action)
    from private.flow_inputs as i
    where i.flow_id = p_flow_id
      and not (
        coalesce(i.min, 0) between -c_max_exact and c_max_exact
        and coalesce(i.max, 0) between -c_max_exact and c_max_exact
      )
  )
  select distinct 'shape', s.message, null::text, null::integer from said as s;
end;
$$;
