-- Every move that can be made from the situations that some moves lead to: what guards and effects
-- mean to the proof.
--
-- What no later row may ask for is forgotten, so that situations which differ in nothing that
-- matters are one: the negotiation once a price is agreed or the chat closes, the quote once the
-- application is answered, revisions and pauses once the money goes. A row that asks all the same
-- is never taken, and therefore refused as impossible.
create or replace function private.take_flow_rows(
  p_flow_id bigint,
  p_moves private.flow_moves[]
)
returns setof private.flow_moves
language plpgsql
stable
security invoker
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
    r.number, r.role, r.action, r.is_certain, r.undoes, r.is_timer,
    next::text, next.*
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
      (s.has_extension or 'propose_extension' = any (r.effects))
        and not r.effects && '{accept_extension,drop_extension}',
      case
        when 'propose_cancellation' = any (r.effects) then r.role
        when 'drop_cancellation' <> all (r.effects) then s.requester
      end,
      case
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
        when 'open_dispute' = any (r.effects) then coalesce(s.resume_state, r.from_state)
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
      case when s.resume_state is distinct from r.to_state then 'was_there' end,
      case when not s.has_order then 'has_order' end,
      case when s.money <> 'none' then 'nothing_captured' end,
      case when s.dispute_origin is distinct from 'bank' then 'is_bank_dispute' end
    ];
end;
$$;

revoke all on function private.take_flow_rows(bigint, private.flow_moves[])
from public, anon, authenticated, service_role;
