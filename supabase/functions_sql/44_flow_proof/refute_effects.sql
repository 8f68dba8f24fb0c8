-- P7: effects find what they work on. Finds rows that agree on a price which nobody named, resume
-- where nothing was, let one side answer its own request, or go beyond a limit; and payments that
-- are neither held nor sent back.
--
-- Args: all moves that the search found, and of these the first into each situation.
create or replace function private.refute_effects(
  p_flow_id bigint,
  p_moves private.flow_moves[],
  p_first_moves private.flow_moves[]
)
returns table (property text, message text, key text, number integer)
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_rules constant jsonb := (
    select f.rules from private.flow_definitions as f where f.id = p_flow_id
  );
begin
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
      -- Which is when the negotiation is forgotten.
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
end;
$$;

revoke all on function private.refute_effects(
  bigint, private.flow_moves[], private.flow_moves[]
) from public, anon, authenticated, service_role;
