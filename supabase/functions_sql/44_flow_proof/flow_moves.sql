-- The search through a flow: every situation that a conversation can reach, and every move between
-- situations.

-- The kind of each state of a flow: the `start`, in which no conversation is stored; `passing`,
-- which the system leaves in the same transaction; `platform`, which waits for the provider or an
-- operator; `talk`, with free text and no deadline; the `end`; every other state is a `turn` of a
-- party, which may have free text as well.
create or replace view private.flow_places as
select
  s.flow_id,
  s.state,
  case
    when s.state = 'initial' then 'start'
    when s.state = 'chat_closed' then 'end'
    when passed.through then 'passing'
    when s.waiting_on <> 'none' then 'platform'
    when s.free_text and s.clock is null then 'talk'
    else 'turn'
  end as place
from private.flow_states as s
cross join lateral (
  select coalesce(bool_and(into_it.follow_up is not distinct from out_of_it.action), false)
  from private.flow_transitions as out_of_it
  join private.flow_transitions as into_it
    on into_it.flow_id = out_of_it.flow_id and into_it.to_state = out_of_it.from_state
  where out_of_it.flow_id = s.flow_id and out_of_it.from_state = s.state
    and out_of_it.role = 'system' and s.clock is null
) as passed (through);

-- The transitions of every flow, numbered, with facts about each for the proof.
--
-- is_certain: only the situation and the actor decide whether it can be taken. is_granted: these
-- and an allowance of the actor. counts_down: it uses up a part of an allowance. undoes: it takes
-- back the actor's own step. is_timer: a deadline takes it. is_fact: the provider or the bank
-- reports it. moves_money: it has an effect on the money, which must be in money_before.
create or replace view private.flow_rows as
select
  t.flow_id,
  row_number() over (
    partition by t.flow_id order by t.from_state, t.role, t.action, t.position
  )::integer as number,
  t.name,
  t.role,
  t.action,
  t.guards,
  t.from_state,
  t.to_state,
  t.awaiting,
  t.effects,
  not t.guards && array(
    select g.name from private.flow_guards as g where g.certainty in ('open', 'counted')
  ) as is_certain,
  not t.guards && array(
    select g.name from private.flow_guards as g where g.certainty = 'open'
  ) as is_granted,
  exists (
    select from private.flow_allowances as a
    where a.guard = any (t.guards) and a.effect = any (t.effects)
  ) as counts_down,
  t.guards && array(select g.name from private.flow_guards as g where g.undoes) as undoes,
  t.role = 'system' and t.action is not distinct from s.deadline_action as is_timer,
  t.role = 'system' and t.action is distinct from s.deadline_action and not exists (
    select from private.flow_transitions as before
    where before.flow_id = t.flow_id and before.to_state = t.from_state
      and before.follow_up = t.action
  ) as is_fact,
  mover.name is not null as moves_money,
  mover.money_before,
  mover.money_after
from private.flow_transitions as t
join private.flow_states as s on s.flow_id = t.flow_id and s.state = t.from_state
-- One at most: private.refute_rows refuses a second one.
left join lateral (
  select e.name, e.money_before, e.money_after
  from private.flow_effects as e
  where e.money_after is not null and e.name = any (t.effects)
  limit 1
) as mover on true;

-- A move of the search: a situation, the row of private.flow_rows, the next situation. This view
-- has the moves that open conversations, with a quote or without one; the moves that the search
-- finds are rows of its type.
--
-- depth counts the steps from the beginning including the move, so that the move of least depth
-- into a situation ends a shortest way to it. key identifies a situation. Money is `broken` when an
-- effect did not find it in the state it needs; the search stops there.
create or replace view private.flow_moves as
select
  f.id as flow_id,
  0 as depth,
  -- The situation that it leaves
  null::text as from_key,
  null::text as from_state,
  null::text as from_awaiting,
  null::text as from_money,
  -- The row
  null::integer as number,
  null::text as role,
  null::text as action,
  null::boolean as is_certain,
  null::boolean as is_granted,
  null::boolean as counts_down,
  null::boolean as undoes,
  null::boolean as is_timer,
  null::boolean as is_fact,
  -- The situation that it leads to
  'initial' || quote.is_given::text as key,
  'initial'::text as state,
  null::text as awaiting,
  'none'::text as money,
  false as has_order,
  quote.is_given as has_quote,
  0 as round,
  false as has_counter,
  0 as revisions,
  false as has_submission,
  false as has_extension,
  null::text as requester,
  null::text as dispute_origin,
  null::text as dispute_opener,
  null::text as resume_state
from private.flow_definitions as f
cross join (values (false), (true)) as quote (is_given)
where f.kind = 'campaign' or not quote.is_given;

-- Every move that can follow some moves. It defines the meaning of guards and effects for the
-- proof.
--
-- The search drops values that no later row may read, so that situations which differ only in them
-- are one: the negotiation once a price is agreed or the chat closes, the quote once the
-- application is answered, revisions, submissions and pauses once the money goes. A row that reads
-- them anyway can never be taken, and P1 refuses it.
create or replace function private.take_flow_rows(
  p_flow_id bigint,
  p_moves private.flow_moves[]
)
returns setof private.flow_moves
language plpgsql
stable
set search_path = ''
as $$
declare
  v_rules constant jsonb := (
    select f.rules from private.flow_definitions as f where f.id = p_flow_id
  );
  v_max_rounds constant integer := coalesce((v_rules ->> 'max_rounds')::integer, 0);
  v_max_revisions constant integer
    := coalesce((v_rules ->> 'max_revisions')::integer, 0);
begin
  return query
  select
    p_flow_id, s.depth + 1, s.key, s.state, s.awaiting, s.money,
    r.number, r.role, r.action, r.is_certain, r.is_granted, r.counts_down, r.undoes, r.is_timer,
    r.is_fact, next::text, next.*
  from unnest(p_moves) as s
  join private.flow_rows as r on r.flow_id = p_flow_id and r.from_state = s.state
  cross join lateral (
    select
      r.to_state,
      case r.awaiting
        when 'unchanged' then s.awaiting
        when 'other' then
          case r.role when 'influencer' then 'brand_owner' when 'brand_owner' then 'influencer' end
        else r.awaiting
      end,
      case
        when not r.moves_money then s.money
        when s.money = r.money_before then r.money_after
        else 'broken'
      end,
      s.has_order or 'open_order' = any (r.effects),
      s.has_quote and (r.role = 'influencer' or r.from_state <> 'initial')
        and not r.effects && '{accept_request,reject_request,close}',
      case
        when r.effects && '{agree_on_offer,agree_on_counter,agree_on_quote,close}' then null
        when 'make_offer' = any (r.effects) then least(s.round, v_max_rounds) + 1
        else s.round
      end,
      case
        when r.effects && '{agree_on_offer,agree_on_counter,agree_on_quote,close,make_offer}'
          then false
        else s.has_counter or 'make_counter' = any (r.effects)
      end,
      case
        when r.money_after in ('refunding', 'settled') or 'close' = any (r.effects) then null
        when 'request_revision' = any (r.effects) then least(s.revisions, v_max_revisions) + 1
        else s.revisions
      end,
      case
        when r.money_after in ('refunding', 'settled') or 'close' = any (r.effects) then false
        when 'store_submission' = any (r.effects) then true
        -- The submission before, whose revision was requested, counts again.
        when 'withdraw_submission' = any (r.effects) then coalesce(s.revisions > 0, false)
        else s.has_submission
      end,
      (s.has_extension or 'propose_extension' = any (r.effects))
        and not r.effects && '{accept_extension,drop_extension}',
      case
        when 'propose_cancellation' = any (r.effects) then r.role
        when 'drop_cancellation' <> all (r.effects) then s.requester
      end,
      case
        when 'escalate' = any (r.effects) then 'clock'
        when 'open_dispute' = any (r.effects) then
          case r.role when 'system' then 'bank' when 'admin' then 'admin' else 'party' end
        when 'close_dispute' <> all (r.effects) then s.dispute_origin
      end,
      case
        when 'open_dispute' = any (r.effects) then
          case when r.role not in ('system', 'admin') then r.role end
        when 'close_dispute' <> all (r.effects) then s.dispute_opener
      end,
      case
        when r.effects && '{open_dispute,escalate}' then coalesce(s.resume_state, r.from_state)
        when 'propose_cancellation' = any (r.effects) then r.from_state
        when coalesce(r.money_after, '') not in ('refunding', 'settled')
          and not r.effects && '{resume,close}'
          then s.resume_state
      end
  ) as next
  where s.money <> 'broken'
    -- The guards that do not hold here.
    and not r.guards && array[
      case when s.awaiting is distinct from r.role then 'is_awaited' end,
      case when s.requester is distinct from r.role then 'is_requester' end,
      case when s.dispute_opener is distinct from r.role then 'is_opener' end,
      case when not s.has_quote then 'has_quote' end,
      case when not s.has_counter then 'has_counter' end,
      case when (s.round < v_max_rounds) is not true then 'has_round_left' end,
      case when (s.round + 1 < v_max_rounds) is not true then 'is_earlier_round' end,
      case when (s.round + 1 >= v_max_rounds) is not true then 'is_last_round' end,
      case when (s.revisions < v_max_revisions) is not true then 'has_revision_left' end,
      case when not s.has_extension then 'has_extension' end,
      case when not s.has_submission then 'has_submission' end,
      case when s.has_submission then 'has_no_submission' end,
      case when s.resume_state is distinct from r.to_state then 'was_there' end,
      case when not s.has_order then 'has_order' end,
      case when s.money <> 'none' then 'nothing_captured' end,
      case when s.dispute_origin is distinct from 'bank' then 'is_bank_dispute' end
    ];
end;
$$;

-- All moves of a flow, from every situation that can be reached. Null for a flow with too many
-- situations for a quick proof.
--
-- A breadth-first search with two statements per level. The rules bound it: private.refute_rules.
create or replace function private.walk_flow(p_flow_id bigint)
returns private.flow_moves[]
language plpgsql
stable
set search_path = ''
as $$
declare
  -- Five times as many as our flows have under their largest rules.
  c_most constant integer := 5000;
  v_newest private.flow_moves[] := array(
    select m from private.flow_moves as m where m.flow_id = p_flow_id
  );
  v_moves private.flow_moves[] := v_newest;
  v_taken private.flow_moves[];
  v_keys text[] := array[]::text[];
begin
  loop
    v_keys := v_keys || array(select n.key from unnest(v_newest) as n);
    v_taken := array(select t from private.take_flow_rows(p_flow_id, v_newest) as t);
    v_newest := array(
      select distinct on (t.key) t
      from unnest(v_taken) as t
      where not exists (select from unnest(v_keys) as k (key) where k.key = t.key)
      order by t.key, t.from_key, t.number
    );
    v_moves := v_moves || v_taken;
    exit when cardinality(v_newest) = 0;
    if cardinality(v_keys) + cardinality(v_newest) > c_most then
      return null;
    end if;
  end loop;
  return v_moves;
end;
$$;

-- The way to a situation, as an array of "role action -> state" from the beginning; then the row of
-- the given number, if any. A null situation gives an empty array.
--
-- Args: the first move that the search found into each situation.
create or replace function private.tell_flow_path(
  p_first_moves private.flow_moves[],
  p_key text,
  p_flow_id bigint,
  p_number integer
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    with recursive way (depth, from_key, step) as (
      select m.depth, m.from_key, format('%s %s -> %s', m.role, m.action, m.state)
      from unnest(p_first_moves) as m
      where m.key = p_key
      union all
      select m.depth, m.from_key, format('%s %s -> %s', m.role, m.action, m.state)
      from way as w
      join unnest(p_first_moves) as m on m.key = w.from_key
    ),
    steps (depth, step) as (
      select w.depth, w.step from way as w where w.from_key is not null
      union all
      select null, format('%s %s -> %s', r.role, r.action, r.to_state)
      from private.flow_rows as r
      where r.flow_id = p_flow_id and r.number = p_number
    )
    select coalesce(jsonb_agg(s.step order by s.depth nulls last), '[]') from steps as s
  );
end;
$$;
