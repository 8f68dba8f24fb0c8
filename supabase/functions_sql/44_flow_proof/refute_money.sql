-- P7: money is held once and settled once, and effects find the values that they need. P8: every
-- fact of the gateway has a row wherever it can happen. Finds situations without one; a state that
-- the system leaves in the same transaction needs none.
--
-- P15: once work was submitted, only the influencer, both sides together or an operator refund the
-- money. Finds moves of a deadline, of the brand owner or of a fact that refund while a submission
-- stands.
--
-- Args: all moves that the search found, and the first of them into each situation.
create or replace function private.refute_money(
  p_flow_id bigint,
  p_moves private.flow_moves[],
  p_first_moves private.flow_moves[]
)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_rules constant jsonb := (
    select f.rules from private.flow_definitions as f where f.id = p_flow_id
  );
begin
  -- Rows whose effect does not find the money where it needs it, conversations that close or open
  -- free talk before the money is settled, states that wait for a refund that does not run, and
  -- refunds that run where no state waits for them.
  return query
  select
    'P7',
    format(
      '%s needs the money %s and finds it %s: %s in %s.',
      r.name, r.money_before, m.from_money, m.action, m.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where m.money = 'broken'
  union all
  select 'P7', format('%s is entered with money %s.', m.state, m.money), m.key, null
  from unnest(p_moves) as m
  join private.flow_states as s on s.flow_id = p_flow_id and s.state = m.state
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  where p.place in ('end', 'talk') and m.money = 'held'
    or m.money <> 'broken' and (s.waiting_on = 'provider') <> (m.money = 'refunding');

  -- Rows that agree on a price that nobody named, resume without a pause, let a side answer its own
  -- request, or exceed a limit; and payments that are neither held nor refunded.
  return query
  select
    'P7',
    format(
      '%s has the effect %s without %s: %s in %s.',
      r.name, need.effect, need.thing, r.action, r.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join unnest(p_first_moves) as before on before.key = m.from_key
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  cross join lateral (
    values
      ('agree_on_quote', 'a quote', before.has_quote),
      ('agree_on_offer', 'an offer', before.round > 0),
      ('hold_offer', 'an offer', before.round > 0),
      ('agree_on_counter', 'a counter offer', before.has_counter),
      ('make_offer', 'a round left', before.round < (v_rules ->> 'max_rounds')::integer),
      (
        'request_revision', 'a revision left',
        before.revisions < (v_rules ->> 'max_revisions')::integer
      ),
      -- The search drops the negotiation then.
      ('open_order', 'an agreed price', before.round is null),
      ('hold_funds', 'an order', before.has_order),
      ('charge_back', 'a dispute of the bank', before.dispute_origin = 'bank'),
      ('accept_extension', 'a request for more time', before.has_extension),
      ('request_agreed_refund', 'a request of the other party', before.requester <> m.role),
      ('resume', 'a pause that began there', before.resume_state = m.state)
  ) as need (effect, thing, is_met)
  where need.effect = any (r.effects) and need.is_met is not true
  union all
  select
    'P7', format('%s neither holds the payment nor sends it back.', r.name), m.from_key, m.number
  from unnest(p_moves) as m
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where r.action in ('payment_captured', 'payment_mismatch')
    and not r.effects && '{hold_funds,bounce_payment}';

  return query
  select 'P8', format('%s is not handled in %s.', fact.action, m.state), m.key, null::integer
  from unnest(p_moves) as m
  join private.flow_places as p on p.flow_id = p_flow_id and p.state = m.state
  cross join lateral (
    values
      ('payment_captured', m.has_order),
      ('payment_failed', m.has_order and m.money = 'none' and p.place = 'turn'),
      ('payment_mismatch', m.has_order and m.money = 'none' and p.place = 'turn'),
      ('bank_dispute_opened', m.money <> 'none'),
      ('bank_dispute_lost', m.dispute_origin = 'bank'),
      ('refund_processed', m.money = 'refunding'),
      ('refund_failed', m.money = 'refunding')
  ) as fact (action, can_be_true)
  where fact.can_be_true and p.place <> 'passing' and m.money <> 'broken'
    and (m.key, fact.action) not in (
      select h.from_key, h.action from unnest(p_moves) as h where h.role = 'system'
    );

  return query
  select
    'P15',
    format(
      '%s gives the money back though work was submitted: %s by the %s in %s.',
      r.name, m.action, m.role, m.from_state
    ),
    m.from_key, m.number
  from unnest(p_moves) as m
  join unnest(p_first_moves) as before on before.key = m.from_key
  join private.flow_rows as r on r.flow_id = p_flow_id and r.number = m.number
  where before.has_submission
    and (
      r.effects && '{request_refund,request_split_refund}'
        and m.role not in ('influencer', 'admin')
      or 'request_agreed_refund' = any (r.effects) and m.role = 'system'
    );
end;
$$;
