-- Add payments: built from supabase/functions_sql by scripts/build_migrations.py.

-- A function may call one that is created further down.
set check_function_bodies = off;

-- source: 10_private/check_choice.sql sha256:64d6b335178699d5990894e12e491968ff971e17eef5bac6a7f1a278f4f89fd2
-- Refuses a value that is not one of a few.
--
-- Errors: INPUT_INVALID (422) `{field, rule: "one_of"}`.
create or replace function private.check_choice(p_field text, p_value text, p_choices text[])
returns void
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if p_value is null or p_value <> all (p_choices) then
    perform private.raise_input_invalid(
      p_field, 'one_of', 'One of ' || array_to_string(p_choices, ', ') || '.'
    );
  end if;
end;
$$;

revoke all on function private.check_choice(text, text, text[])
from public, anon, authenticated, service_role;

-- source: 40_flow/complete_actions.sql sha256:aeb11808dfdf5a3da9a02d36bec50a7dd702c8b8a1cef0d42c96fc53f41a8768
-- Marks the open action messages that a step leaves behind.
--
-- Leaving a state completes them all. A step that stays completes those whose reader gets a new
-- one now, and the one that offered what was done and cannot be done again.
-- Args: the step after its effects; the row; the new messages.
-- Writes: messages.
create or replace function private.complete_actions(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_notes private.flow_note[]
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_stays constant boolean := p_row.to_state = p_row.from_state;
  v_renewed text[];
  v_is_done boolean := false;
begin
  if v_stays then
    v_renewed := array(
      select (n.message).visible_to from unnest(p_notes) as n where (n.message).action_required
    );
    v_is_done := p_step.actor_id is not null and not exists (
      select from private.open_actions(p_step.conversation, p_step.actor_id, p_step.role) as a
      where a.action = p_step.action
    );
  end if;
  update public.messages as m
  set
    action_completed = true,
    -- What a checkout was to be filled in with is of no use any more, and personal.
    action_data = m.action_data #- '{payment_order,razorpay_config,prefill}' || jsonb_build_object(
      'completed_by', p_step.role, 'completed_action', p_step.action
    ),
    updated_at = clock_timestamp()
  where m.conversation_id = (p_step.conversation).id
    and m.action_required
    and not m.action_completed
    and (
      not v_stays
      or m.visible_to = any (v_renewed)
      or v_is_done and m.visible_to in (p_step.role, 'all')
        and m.action_data -> 'buttons' @> jsonb_build_array(
          jsonb_build_object('action', p_step.action)
        )
    );
end;
$$;

revoke all on function private.complete_actions(
  private.flow_step, private.flow_transitions, private.flow_note[]
) from public, anon, authenticated, service_role;

-- source: 42_effects/effect_open_order.sql sha256:d40fb9ae9af5dbc2cfdbedb76e7b7745592af5923f3f28d1eaea49965cce4459
-- Asks for the agreed amount: one open order, the same one whenever it is asked for again.
--
-- Writes: what private.claim_payment_order writes.
create or replace function private.effect_open_order(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  if not p_step.is_trial then
    v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
      'payment_order', private.payment_order_json(
        private.claim_payment_order(v_conversation, p_step.at)
      )
    );
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_open_order(private.flow_step)
from public, anon, authenticated, service_role;

-- source: 42_effects/effect_raise_alert.sql sha256:93e95626afbf9844a6bef9afc340d6c786f9e6e57a4c2c118e9cf7454f50033a
-- Asks an operator to look at the conversation.
--
-- Writes: alerts.
create or replace function private.effect_raise_alert(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if not p_step.is_trial then
    perform private.open_alert(
      p_step.action, 'warning',
      concat_ws(':', p_step.action, (p_step.conversation).id),
      (p_step.conversation).id,
      jsonb_build_object('state', (p_step.conversation).flow_state, 'reason', p_step.reason)
    );
  end if;
  return p_step.conversation;
end;
$$;

revoke all on function private.effect_raise_alert(private.flow_step)
from public, anon, authenticated, service_role;

-- source: 42_effects/open_alert.sql sha256:720132151cdd994b07d9df889f45956f98d6563c72258e5378b7bcc6c1bbe9e6
-- Puts something on the operators' list; the same cause again counts up the line that is open.
--
-- Args: kind; info, warning or critical; what makes two causes the same; the conversation; details;
-- the event that brought it, Razorpay's order and payment.
-- Writes: alerts.
create or replace function private.open_alert(
  p_kind text,
  p_severity text,
  p_key text,
  p_conversation_id uuid,
  p_details jsonb,
  p_event_row_id bigint default null,
  p_razorpay_order_id text default null,
  p_razorpay_payment_id text default null
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  insert into private.alerts as a (
    kind, severity, key, conversation_id, details, event_row_id, razorpay_order_id,
    razorpay_payment_id
  )
  values (
    p_kind, p_severity, p_key, p_conversation_id, p_details, p_event_row_id, p_razorpay_order_id,
    p_razorpay_payment_id
  )
  on conflict (key) where status = 'open' do update
  set
    seen = a.seen + 1,
    last_seen_at = clock_timestamp(),
    details = excluded.details,
    event_row_id = coalesce(excluded.event_row_id, a.event_row_id);
end;
$$;

revoke all on function private.open_alert(
  text, text, text, uuid, jsonb, bigint, text, text
) from public, anon, authenticated, service_role;

-- source: 44_flow_proof/flow_needs.sql sha256:14d211c31d2263e35f75aa1626d5ef841b901da04faa004604ac26ba1f9c214f
-- What effects and guards read of what was typed with the action: of which type a field must be,
-- whether it must be there, its bounds as a number or in characters, and whether the history, which
-- both sides read, may not have it. role: only rows of that role need it.
create or replace view private.flow_needs as
select
  n.name, n.role, n.field, n.types::text[], n.is_required, n.low, n.high, n.max_length, n.is_secret
from (
  values
    -- Prices
    ('make_offer', null, 'price', '{price}', true, null, null, null, false),
    ('make_counter', null, 'price', '{price}', true, null, null, null, false),
    ('agree_on_offer', null, 'price', '{price}', false, null, null, null, false),
    ('agree_on_counter', null, 'price', '{price}', false, null, null, null, false),
    ('agree_on_quote', null, 'price', '{price}', false, null, null, null, false),
    ('offer_matches', null, 'price', '{price}', false, null, null, null, false),
    ('counter_matches', null, 'price', '{price}', false, null, null, null, false),
    ('quote_matches', null, 'price', '{price}', false, null, null, null, false),
    ('propose_cancellation', null, 'refund_amount', '{price}', false, null, null, null, false),
    ('request_split_refund', null, 'refund_amount', '{price}', true, null, null, null, false),

    -- Words
    ('keep_details', null, 'details', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'deliverables', '{text,textarea}', true, null, null, 5000, false),
    ('store_submission', null, 'description', '{text,textarea}', false, null, null, 5000, false),
    (
      'store_submission', null, 'submission_notes', '{text,textarea}', false, null, null, 5000,
      false
    ),
    ('request_revision', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),
    ('approve_work', null, 'feedback', '{text,textarea}', false, null, null, 5000, false),

    -- Numbers
    ('keep_rating', null, 'rating', '{integer}', true, 1, 5, null, true),
    ('keep_rating', null, 'comment', '{text,textarea}', false, null, null, 1000, true),
    ('propose_extension', null, 'days', '{integer}', true, 1, 365, null, false),

    -- What the gateway and operators say
    ('hold_funds', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('hold_funds', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('hold_funds', null, 'currency', '{text}', true, null, null, 3, false),
    ('bounce_payment', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('bounce_payment', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('bounce_payment', null, 'currency', '{text}', true, null, null, 3, false),
    ('is_new_payment', null, 'payment_id', '{text}', true, null, null, 100, false),
    ('capture_matches', null, 'amount_minor', '{integer}', true, 1, 100000000000, null, false),
    ('capture_matches', null, 'currency', '{text}', true, null, null, 3, false),
    ('settle_refund', null, 'reference', '{text}', false, null, null, 200, false),
    ('settle_refund', 'admin', 'reference', '{text}', true, null, null, 200, false),
    ('settle_refund', null, 'note', '{text,textarea}', false, null, null, 5000, true),
    ('close_dispute', null, 'note', '{text,textarea}', false, null, null, 5000, true)
) as n (name, role, field, types, is_required, low, high, max_length, is_secret);

revoke all on private.flow_needs from public, anon, authenticated, service_role;

-- source: 50_payments/apply_event.sql sha256:a46f7ee0a5033631ab3df5b05ef78f17c5194ef280b48be6bcb84f6fe793184c
-- Processes a stored event and keeps what it came to. A fault of ours is counted; the fifth sets
-- the event aside, before Razorpay gives up sending it and switches all events off.
--
-- Args: the event, locked, not yet processed; who acts.
-- Returns the verdict; outcome try_again when it is to come again.
-- Writes: payment_events, and what private.take_event writes.
-- Errors: what another session holds (40001, 40P01, 55P03): try again.
-- Source of the five: Razorpay tries for 24 hours,
-- https://razorpay.com/docs/webhooks/best-practices
create or replace function private.apply_event(p_event private.payment_events, p_actor text)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_most constant integer := 5;
  v_verdict private.payment_verdict;
  v_error text;
begin
  begin
    v_verdict := private.take_event(p_event, p_actor);
  exception
    when serialization_failure or deadlock_detected or lock_not_available then
      raise;
    when others then
      v_error := left(sqlstate || ': ' || sqlerrm, 1000);
  end;
  if v_error is not null and p_event.attempts + 1 < c_most then
    v_verdict.outcome := 'try_again';
    v_verdict.status := 'received';
  elsif v_error is not null then
    v_verdict := private.conclude(
      'processing_failed', null, null, p_event.id::text, p_actor, p_event.id,
      jsonb_build_object('error', v_error)
    );
  end if;
  update private.payment_events as e
  set
    status = v_verdict.status,
    outcome = v_verdict.outcome,
    error = v_error,
    attempts = e.attempts + 1,
    conversation_id = coalesce((v_verdict.payment_order).conversation_id, e.conversation_id),
    razorpay_payment_id = coalesce(v_verdict.razorpay_payment_id, e.razorpay_payment_id),
    processed_at = case when v_verdict.status <> 'received' then clock_timestamp() end
  where e.id = p_event.id;
  return v_verdict;
end;
$$;

revoke all on function private.apply_event(private.payment_events, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/apply_payment_snapshot.sql sha256:4ad4ed17d5431bcd5d7fe44c711003c2453206d044a630603894a8a61c68e785
-- Takes what Razorpay answered when it was asked about an order: the same facts as events bring,
-- and the same decision. Events of this order that were stored and not processed are taken too.
--
-- Args: our order; Razorpay's order (null: it has none); its payments, a list or Razorpay's
-- collection; who asked; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order; events that another session holds are passed over.
-- Writes: what private.take_snapshot and private.apply_event write.
-- Errors: INPUT_INVALID (422) for an order that is not there.
create or replace function private.apply_payment_snapshot(
  p_payment_order_id uuid,
  p_order_entity jsonb,
  p_payments jsonb,
  p_actor text,
  p_mode text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_order private.payment_orders := private.lock_payment_order(p_payment_order_id);
  v_verdict private.payment_verdict;
  v_next private.payment_verdict;
  v_event private.payment_events;
begin
  if v_order.id is null then
    perform private.raise_input_invalid('payment_order_id', 'known', 'There is no such order.');
  end if;
  v_verdict := private.take_snapshot(v_order, p_order_entity, p_payments, p_actor, p_mode);
  for v_event in
    select e.*
    from private.payment_events as e
    where e.razorpay_order_id = (
        select o.razorpay_order_id from private.payment_orders as o where o.id = v_order.id
      )
      and e.status = 'received'
    order by e.id
    for update skip locked
  loop
    v_next := private.apply_event(v_event, p_actor);
    if v_verdict.outcome = 'noop' then
      v_verdict := v_next;
    end if;
  end loop;
  return (
    select jsonb_build_object(
      'outcome', v_verdict.outcome,
      'flow_state', (private.as_of_now(c)).flow_state,
      'conversation_id', c.id
    )
    from public.conversations as c
    where c.id = v_order.conversation_id
  );
end;
$$;

-- RPC: service only; takes Razorpay's answer about an order; returns `{outcome, flow_state,
-- conversation_id}`.
create or replace function public.apply_payment_snapshot(
  payment_order_id uuid,
  order_entity jsonb,
  payments jsonb,
  actor text default 'reconcile',
  mode text default 'test'
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.apply_payment_snapshot(payment_order_id, order_entity, payments, actor, mode);
$$;

revoke all on function private.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
to service_role;
revoke all on function public.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.apply_payment_snapshot(uuid, jsonb, jsonb, text, text)
to service_role;

-- source: 50_payments/attach_payment_order.sql sha256:0e145e6df9f92674c6dd199a9207c238665a4e372da889c335da5523038fb77c
-- Notes which order Razorpay made for ours, after comparing what it says with what was asked for.
--
-- Args: our order; Razorpay's entity of it; what the client's checkout opens with, kept for the
-- brand owner's other devices; the mode of the app that asked.
-- Definer: orders are private.
-- Locks: the conversation, then the order. Writes: payment_orders, and what
-- private.show_payment_order and private.conclude write.
create or replace function private.attach_payment_order(
  p_payment_order_id uuid,
  p_entity jsonb,
  p_razorpay_config jsonb,
  p_mode text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_order private.payment_orders := private.lock_payment_order(p_payment_order_id);
  v_outcome text;
begin
  if v_order.id is null then
    v_outcome := 'unknown_order';
  elsif v_order.mode <> p_mode then
    v_outcome := 'mode_mismatch';
  else
    v_outcome := private.match_order(v_order, p_entity);
  end if;
  if v_outcome in ('mode_mismatch', 'order_mismatch') then
    perform private.conclude(
      v_outcome, v_order, null, v_order.id::text, 'app', null,
      jsonb_build_object('mode', p_mode, 'entity', p_entity - 'notes')
    );
  elsif v_outcome in ('attached', 'already_attached') then
    update private.payment_orders as o
    set
      razorpay_order_id = coalesce(o.razorpay_order_id, p_entity ->> 'id'),
      checkout = coalesce(
        p_razorpay_config - 'prefill'
          || jsonb_build_object('order_id', coalesce(o.razorpay_order_id, p_entity ->> 'id')),
        o.checkout
      ),
      updated_at = clock_timestamp()
    where o.id = v_order.id
    returning o.* into v_order;
    if v_order.status = 'open' then
      perform private.show_payment_order(
        v_order.conversation_id, v_order,
        p_razorpay_config || jsonb_build_object('order_id', v_order.razorpay_order_id)
      );
    else
      v_outcome := 'order_closed';
    end if;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'payment_order_id', p_payment_order_id,
    'razorpay_order_id', v_order.razorpay_order_id
  );
end;
$$;

-- RPC: service only; attaches Razorpay's order; returns `{outcome, payment_order_id,
-- razorpay_order_id}`; outcome: attached, already_attached, order_mismatch, mode_mismatch,
-- order_closed, unknown_order.
create or replace function public.attach_payment_order(
  payment_order_id uuid,
  entity jsonb,
  razorpay_config jsonb default null,
  mode text default 'test'
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.attach_payment_order(payment_order_id, entity, razorpay_config, mode);
$$;

revoke all on function private.attach_payment_order(uuid, jsonb, jsonb, text)
from public, anon, authenticated, service_role;
grant execute on function private.attach_payment_order(uuid, jsonb, jsonb, text) to service_role;
revoke all on function public.attach_payment_order(uuid, jsonb, jsonb, text)
from public, anon, authenticated, service_role;
grant execute on function public.attach_payment_order(uuid, jsonb, jsonb, text) to service_role;

-- source: 50_payments/balance_books.sql sha256:0e73328041e56681b70dba78257d8d75b3f4f1f0bda97cee23ad617541aca924
-- How far the books of deals that hold money are from what their ledger says, in paise: 0, or
-- something is wrong.
create or replace function private.balance_books()
returns bigint
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(abs(booked.difference)), 0)
    from (
      select
        c.held_minor - coalesce(
          sum(case when e.to_account = 'held' then e.amount_minor else -e.amount_minor end), 0
        ) as difference
      from public.conversations as c
      left join private.escrow_ledger as e
        on e.conversation_id = c.id and 'held' in (e.from_account, e.to_account)
      where c.held_minor > 0
      group by c.id
    ) as booked
  );
end;
$$;

revoke all on function private.balance_books() from public, anon, authenticated, service_role;

-- source: 50_payments/begin_payment.sql sha256:e9e98fa341fdf7cc0925000cdaf4ab55d66d2d8f60bb081f574763592ca60d52
-- Gets a deal's payment ready: the brand owner's one open order, the same one whenever it is asked
-- for again. Whoever has not pressed Pay in the conversation within the hour does so with this.
--
-- Definer: orders are private.
-- Locks: the user's limit on actions, then the conversation. Writes: payment_orders, and what
-- private.begin_action and private.finish_action write.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- CHAT_CLOSED (409), PAYMENT_ALREADY_DONE (409), PAYMENT_NOT_READY (409) while the deal does not
-- wait for a payment, NOT_YOUR_TURN (409) for the influencer, PRICE_OUT_OF_RANGE (422) `{min, max}`
-- for less than Razorpay takes.
-- Source of the least amount: https://razorpay.com/docs/api/orders/create, 100 paise.
create or replace function private.begin_payment(p_conversation_id uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_pressed constant interval := interval '1 hour';
  v_call private.action_call;
  v_order private.payment_orders;
begin
  v_call := private.begin_action(
    p_conversation_id, jsonb_build_object('action', 'proceed_to_payment'), null
  );
  perform private.check_payable(v_call.conversation, v_call.role);
  if coalesce(
    ((v_call.conversation).flow_data ->> 'last_attempt_at')::timestamptz < now() - c_pressed, true
  ) or not (v_call.conversation).flow_data ? 'payment_order' then
    perform private.finish_action(
      v_call, 'proceed_to_payment', '{}',
      private.describe_action(v_call.conversation, 'proceed_to_payment')
    );
  end if;
  v_order := private.claim_payment_order(v_call.conversation, clock_timestamp());
  return jsonb_build_object(
    'payment_order_id', v_order.id,
    'receipt', v_order.receipt,
    'amount_minor', v_order.amount_minor,
    'currency', v_order.currency,
    'mode', v_order.mode,
    'razorpay_order_id', v_order.razorpay_order_id,
    'has_checkout', v_order.checkout is not null,
    'status', v_order.status,
    'kind', (v_call.conversation).kind,
    'prefill', private.payer_json(v_call.actor_id)
  );
end;
$$;

-- RPC: the brand owner's order, to be paid; returns `{payment_order_id, receipt, amount_minor,
-- currency, mode, razorpay_order_id, has_checkout, status, kind, prefill: {name, email, contact}}`;
-- has_checkout: attach_payment_order was told what the checkout opens with.
create or replace function public.begin_payment(conversation_id uuid)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.begin_payment(conversation_id);
$$;

revoke all on function private.begin_payment(uuid) from public, anon, authenticated, service_role;
grant execute on function private.begin_payment(uuid) to authenticated;
revoke all on function public.begin_payment(uuid) from public, anon, authenticated, service_role;
grant execute on function public.begin_payment(uuid) to authenticated;

-- source: 50_payments/books_json.sql sha256:8ff9e83c27682f7b5f4b8e63ce05c47cdf085465e46e644652561399e212c6da
-- The books of a deal beside its ledger, both in paise.
create or replace function private.books_json(p_conversation public.conversations)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'captured_minor', p_conversation.captured_minor,
    'held_minor', p_conversation.held_minor,
    'released_minor', p_conversation.released_minor,
    'fee_minor', p_conversation.fee_minor,
    'refunded_minor', p_conversation.refunded_minor,
    'charged_back_minor', p_conversation.charged_back_minor,
    'ledger_held_minor', private.ledger_balance(p_conversation.id, 'held'),
    'ledger_bounced_minor', private.ledger_balance(p_conversation.id, 'bounced')
  );
end;
$$;

revoke all on function private.books_json(public.conversations)
from public, anon, authenticated, service_role;

-- source: 50_payments/check_payable.sql sha256:19a66454d350e82adde42c45aa6154dfd8d22234d896b33be219b3f05c5d28d1
-- Refuses to get a payment ready for a deal that does not wait for one, or for the wrong side.
--
-- Errors: CHAT_CLOSED (409), PAYMENT_ALREADY_DONE (409), PAYMENT_NOT_READY (409), NOT_YOUR_TURN
-- (409), PRICE_OUT_OF_RANGE (422) `{min, max}`.
create or replace function private.check_payable(p_conversation public.conversations, p_role text)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_least constant bigint := 100;
  v_roles constant text[] := array(
    select t.role from private.flow_transitions as t
    where t.flow_id = p_conversation.flow_id
      and t.from_state = p_conversation.flow_state
      and t.action = 'proceed_to_payment'
  );
begin
  if v_roles = '{}' then
    if p_conversation.captured_minor > 0 then
      perform private.raise_error(
        'PAYMENT_ALREADY_DONE', 'This deal has been paid.', p_status => 409
      );
    end if;
    if p_conversation.chat_status = 'closed' then
      perform private.raise_chat_closed();
    end if;
    perform private.raise_error(
      'PAYMENT_NOT_READY', 'There is nothing to pay here yet.', p_status => 409,
      p_hint => 'Agree on a price first.'
    );
  end if;
  if p_role <> all (v_roles) then
    perform private.raise_not_your_turn(p_conversation);
  end if;
  if p_conversation.amount_minor < c_least then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE', 'A payment is at least ₹1.',
      jsonb_build_object('min', 1, 'max', null), p_status => 422
    );
  end if;
end;
$$;

revoke all on function private.check_payable(public.conversations, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/claim_payment_order.sql sha256:e35a339e7ed2543033f8ae793ebe099b21a51166a2f7357c6a21af52d0611f0f
-- The open order of a conversation for the price as it is: the one that is there, or a new one. One
-- for another price, currency or mode is superseded; what is still paid on it goes back.
--
-- Locks: the conversation's row must be locked already. Writes: payment_orders.
create or replace function private.claim_payment_order(
  p_conversation public.conversations,
  p_at timestamptz
)
returns private.payment_orders
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_mode constant text := private.get_setting('payment_mode') #>> '{}';
  v_order private.payment_orders;
begin
  update private.payment_orders as o
  set status = 'superseded', updated_at = p_at
  where o.conversation_id = p_conversation.id
    and o.status = 'open'
    and (o.amount_minor, o.currency, o.mode)
      <> (p_conversation.amount_minor, p_conversation.currency, v_mode);
  insert into private.payment_orders (conversation_id, amount_minor, currency, mode, created_at)
  values (
    p_conversation.id, p_conversation.amount_minor, p_conversation.currency, v_mode, p_at
  )
  on conflict (conversation_id) where status = 'open' do nothing;
  select o.* into v_order
  from private.payment_orders as o
  where o.conversation_id = p_conversation.id and o.status = 'open';
  return v_order;
end;
$$;

revoke all on function private.claim_payment_order(public.conversations, timestamptz)
from public, anon, authenticated, service_role;

-- source: 50_payments/claim_payment_poll.sql sha256:ddc79426a1fba6295f90493004c2297ffc03f697392881850f0427070a0fa3f0
-- Says which order to ask Razorpay about for a conversation, and keeps others from asking at once.
--
-- An order that is paid needs no question; one that Razorpay will not tell about any more (180
-- days) gets none.
-- Args: the conversation; the member who looks at it; seconds since the last question at least
-- (null: only tell, ask nobody).
-- Definer: orders are private.
-- Locks: the order. Writes: payment_orders.
-- Errors: CONVERSATION_NOT_FOUND (404), also for somebody else's.
-- Source of the 180 days: https://razorpay.com/docs/api/orders/fetch-with-id
create or replace function private.claim_payment_poll(
  p_conversation_id uuid,
  p_user_id uuid,
  p_min_gap_seconds integer
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  c_horizon constant interval := interval '180 days';
  v_gap constant interval := make_interval(secs => greatest(p_min_gap_seconds, 1));
  v_conversation public.conversations;
  v_order private.payment_orders;
  v_may_be_asked boolean;
  v_claimed boolean := false;
begin
  v_conversation := private.as_of_now(private.read_conversation(p_conversation_id, p_user_id));
  select o.* into v_order
  from private.payment_orders as o
  where o.conversation_id = p_conversation_id
  order by o.status = 'open' desc, o.created_at desc
  limit 1
  for update;
  v_may_be_asked := v_order.status <> 'paid' and v_order.created_at > now() - c_horizon;
  if v_may_be_asked
    and p_min_gap_seconds is not null
    and coalesce(v_order.polled_at <= clock_timestamp() - v_gap, true) then
    update private.payment_orders as o set polled_at = clock_timestamp() where o.id = v_order.id;
    v_claimed := true;
  end if;
  return jsonb_build_object(
    'claimed', v_claimed,
    'payment_order_id', v_order.id,
    'receipt', v_order.receipt,
    'razorpay_order_id', v_order.razorpay_order_id,
    'order_status', v_order.status,
    'flow_state', v_conversation.flow_state,
    'retry_after', case
      when v_may_be_asked and not v_claimed then greatest(
        ceil(extract(epoch from v_order.polled_at + v_gap - clock_timestamp())), 1
      )
    end
  );
end;
$$;

-- RPC: service only; claims the next question to Razorpay; returns `{claimed, payment_order_id,
-- receipt, razorpay_order_id, order_status, flow_state, retry_after}`; retry_after in seconds.
create or replace function public.claim_payment_poll(
  conversation_id uuid,
  user_id uuid,
  min_gap_seconds integer default 20
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.claim_payment_poll(conversation_id, user_id, min_gap_seconds);
$$;

revoke all on function private.claim_payment_poll(uuid, uuid, integer)
from public, anon, authenticated, service_role;
grant execute on function private.claim_payment_poll(uuid, uuid, integer) to service_role;
revoke all on function public.claim_payment_poll(uuid, uuid, integer)
from public, anon, authenticated, service_role;
grant execute on function public.claim_payment_poll(uuid, uuid, integer) to service_role;

-- source: 50_payments/conclude.sql sha256:44b8efad354d597187350f59991a347bb8fdf939e06bbe54f04efab3df6c8c93
-- Says what something came to: puts it into the audit and on the operators' list where it belongs.
--
-- Args: the outcome, one of private.payment_outcomes; our order (nulls: unknown); Razorpay's
-- payment; what makes two causes the same; who acts; the event (null: an answer of Razorpay); more
-- to know.
-- Returns the verdict. Writes: alerts, payment_audit.
create or replace function private.conclude(
  p_outcome text,
  p_order private.payment_orders,
  p_payment_id text,
  p_subject text,
  p_actor text,
  p_event_row_id bigint,
  p_details jsonb
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_verdict private.payment_verdict;
  v_kind record;
begin
  select o.* into strict v_kind
  from private.payment_outcomes() as o
  where o.outcome = p_outcome;
  if v_kind.severity is not null then
    perform private.open_alert(
      p_outcome, v_kind.severity, concat_ws(':', p_outcome, p_subject),
      p_order.conversation_id, p_details, p_event_row_id, p_order.razorpay_order_id, p_payment_id
    );
  end if;
  if v_kind.is_audited then
    insert into private.payment_audit (
      actor, action, conversation_id, payment_order_id, event_row_id, details
    )
    values (
      p_actor, p_outcome, p_order.conversation_id, p_order.id, p_event_row_id,
      p_details || jsonb_strip_nulls(jsonb_build_object('payment_id', p_payment_id))
    );
  end if;
  v_verdict.outcome := p_outcome;
  v_verdict.status := v_kind.status;
  v_verdict.payment_order := p_order;
  v_verdict.razorpay_payment_id := p_payment_id;
  return v_verdict;
end;
$$;

revoke all on function private.conclude(
  text, private.payment_orders, text, text, text, bigint, jsonb
) from public, anon, authenticated, service_role;

-- source: 50_payments/count_alerts.sql sha256:fbae4662d4411f9d48483c19722e8f81388662574bc59ca75633268872eb29d1
-- Open alerts as `{info, warning, critical}`.
create or replace function private.count_alerts()
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_object_agg(kind.severity, (
      select count(*) from private.alerts as a
      where a.status = 'open' and a.severity = kind.severity
    ))
    from unnest(array['info', 'warning', 'critical']) as kind (severity)
  );
end;
$$;

revoke all on function private.count_alerts() from public, anon, authenticated, service_role;

-- source: 50_payments/count_events.sql sha256:be001e6803defdca89495f4c0cd179aee82059c41dcd2a2801b8a4ad55f01f4f
-- Events that are not done with, as `{received, parked}`.
create or replace function private.count_events()
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    -- Each of the two has an index; both at once would be read from the whole table.
    select jsonb_build_object(
      'received', (select count(*) from private.payment_events as e where e.status = 'received'),
      'parked', (select count(*) from private.payment_events as e where e.status = 'parked')
    )
  );
end;
$$;

revoke all on function private.count_events() from public, anon, authenticated, service_role;

-- source: 50_payments/diagnose_conversation.sql sha256:553694774a46ec6a201cc2c52ec089d0e96e1ac838df3ca4d16cda14d1d58159
-- Everything that an operator needs to see what became of a conversation's money: where the deal
-- is, its orders, payments, refunds, disputes, events, ledger and alerts, and what is wrong with
-- them.
--
-- Definer: the books are private.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404).
create or replace function private.diagnose_conversation(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_conversation public.conversations;
begin
  perform private.require_operator();
  select (private.as_of_now(c)).* into v_conversation
  from public.conversations as c
  where c.id = p_conversation_id;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return jsonb_build_object(
    'conversation_id', v_conversation.id,
    'kind', v_conversation.kind,
    'chat_status', v_conversation.chat_status,
    'flow_state', v_conversation.flow_state,
    'awaiting_role', v_conversation.awaiting_role,
    'deadline_at', v_conversation.deadline_at,
    'close_reason', v_conversation.close_reason,
    'amount_minor', v_conversation.amount_minor,
    'currency', v_conversation.currency,
    'books', private.books_json(v_conversation),
    'history', private.check_history(p_conversation_id),
    'problems', private.find_money_problems(v_conversation)
  ) || private.money_rows_json(p_conversation_id);
end;
$$;

-- RPC: operators look into a conversation; returns `{conversation_id, kind, flow_state,
-- awaiting_role, deadline_at, amount_minor, currency, books, ledger, orders, payments,
-- refund_requests, refunds, disputes, events, payouts, alerts, audit, history, problems}`; problems
-- are sentences.
create or replace function public.diagnose_conversation(conversation_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.diagnose_conversation(conversation_id);
$$;

revoke all on function private.diagnose_conversation(uuid)
from public, anon, authenticated, service_role;
grant execute on function private.diagnose_conversation(uuid) to authenticated, service_role;
revoke all on function public.diagnose_conversation(uuid)
from public, anon, authenticated, service_role;
grant execute on function public.diagnose_conversation(uuid) to authenticated, service_role;

-- source: 50_payments/dispute_rank.sql sha256:d9a6b4c55f4e2fe9d82ea4e470bdf11d0a35ce70d4872e85dde475f075480a00
-- How far a dispute's status is; null for one that is not known.
create or replace function private.dispute_rank(p_status text)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case p_status
    when 'open' then 1
    when 'under_review' then 2
    when 'action_required' then 2
    when 'won' then 3
    when 'lost' then 3
    when 'closed' then 3
  end;
end;
$$;

revoke all on function private.dispute_rank(text) from public, anon, authenticated, service_role;

-- source: 50_payments/end_bounce.sql sha256:fcc86ec508c125282d773489c914f5dec4a5ce249a1a2939d151eaad6a77f239
-- Ends the request to send a payment back that a person has sent back whole, at once or in parts.
--
-- Args: the payment as it is now, its conversation locked; the refund that made it whole.
-- Writes: what private.settle_bounce writes.
create or replace function private.end_bounce(p_payment private.payments, p_refund_id text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_request private.refunds;
begin
  select r.* into v_request
  from private.refunds as r
  where r.payment_id = p_payment.payment_id and r.kind = 'bounce' and r.status = 'requested'
  for update;
  if found and p_payment.refunded_minor >= p_payment.amount_minor then
    perform private.settle_bounce(v_request, p_refund_id);
  end if;
end;
$$;

revoke all on function private.end_bounce(private.payments, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/fail_refund.sql sha256:229572dd33dc556d2e84b56e10b8e0acd3cb44a9df59c5e1a246c11273455d0d
-- A refund that we asked for did not go through. It stays asked for; the deal hears of it once for
-- each reason.
--
-- Args: the request, locked with its conversation; why.
-- Writes: refunds, and what private.tell_deal writes.
create or replace function private.fail_refund(p_request private.refunds, p_reason text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_reason constant text := left(coalesce(p_reason, 'The refund did not go through.'), 200);
begin
  update private.refunds as r
  set failure = v_reason, razorpay_refund_id = null
  where r.id = p_request.id;
  if p_request.kind = 'deal' and p_request.failure is distinct from v_reason then
    perform private.tell_deal(
      p_request.conversation_id, 'refund_failed', jsonb_build_object('reason', v_reason)
    );
  end if;
end;
$$;

revoke all on function private.fail_refund(private.refunds, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/find_money_problems.sql sha256:0cc5ea3a19d346973b464290a6b7f19ef52ca97dd6abc5f54c16858f07fc02f6
-- What is wrong with a deal's money, as sentences that say what to do; empty when all is well.
create or replace function private.find_money_problems(p_conversation public.conversations)
returns text[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return array(
    select found.problem
    from (
      values
        (
          p_conversation.held_minor <> private.ledger_balance(p_conversation.id, 'held'),
          'The books and the ledger differ: stop the deal with force_dispute and compare them.'
        ),
        (
          p_conversation.chat_status = 'closed' and p_conversation.held_minor <> 0,
          'The deal is closed and still holds money.'
        ),
        (
          exists (
            select from private.payments as p
            join private.payment_orders as o on o.id = p.payment_order_id
            where o.conversation_id = p_conversation.id
              and p.captured_at is not null
              and p.refunded_minor < p.amount_minor
              and not exists (
                select from private.escrow_ledger as e
                where e.from_account = 'gateway' and e.payment_id = p.payment_id
              )
          ),
          'Money came in that is in no book: replay its event, or refund it at Razorpay.'
        ),
        (
          exists (
            select from private.refunds as r
            where r.conversation_id = p_conversation.id
              and r.status = 'requested'
              and r.failure is not null
          ),
          'A refund did not go through: see its failure, mend the cause; it is tried again. '
            'Sent in another way: mark_refunded_manually, or mark_payment_returned of a bounce.'
        ),
        (
          exists (
            select from private.refunds as r
            where r.conversation_id = p_conversation.id
              and r.status = 'requested'
              and r.razorpay_refund_id is null
              and private.is_disputed(r.payment_id)
          ),
          'A refund waits, because the payer''s bank disputes its payment. When the bank has taken '
            'the money back: mark_refunded_manually, or mark_payment_returned of a bounce.'
        ),
        (
          p_conversation.captured_minor > 0 and exists (
            select from private.payments as p
            where p.payment_id = (
                select e.payment_id from private.escrow_ledger as e
                where e.conversation_id = p_conversation.id and e.to_account = 'held'
              )
              and p.refunded_minor > p_conversation.refunded_minor
              and not exists (
                select from private.refunds as r
                where r.conversation_id = p_conversation.id and r.status = 'requested'
              )
          ),
          'Razorpay has given back more than the books say: stop the deal with force_dispute, or '
            'do not pay out what it released.'
        ),
        (
          p_conversation.charged_back_minor = 0 and exists (
            select from private.payment_disputes as d
            join private.escrow_ledger as e on e.payment_id = d.payment_id
            where e.conversation_id = p_conversation.id
              and e.to_account = 'held'
              and d.status = 'lost'
              -- Marked by hand: then an operator knows.
              and not exists (
                select from private.refunds as r
                where r.payment_id = d.payment_id
                  and r.status = 'processed'
                  and r.razorpay_refund_id is null
              )
          ),
          'The payer''s bank has taken back money that the books hold, have released or refunded: '
            'decide what is left, and settle the rest outside.'
        ),
        (
          exists (
            select from private.refunds as r
            join private.payment_refunds as k on k.refund_id = r.reference
            where r.conversation_id = p_conversation.id
              and r.status = 'processed'
              and k.status = 'failed'
          ),
          'A refund failed after it had gone through, and is not sent again: send the money in '
            'another way.'
        ),
        (
          exists (
            select from private.refunds as r
            join private.payment_disputes as d on d.payment_id = r.payment_id
            where r.conversation_id = p_conversation.id
              and r.kind = 'bounce'
              and r.razorpay_refund_id is not null
              and d.status = 'lost'
          ),
          'A payment was sent back, and the payer''s bank has taken it as well: show the bank the '
            'refund.'
        ),
        (
          exists (
            select from private.payment_events as e
            join private.payment_orders as o on o.razorpay_order_id = e.razorpay_order_id
            where o.conversation_id = p_conversation.id and e.status = 'received'
          ),
          'An event is stored and not processed: replay_payment_event.'
        ),
        (
          exists (
            select from private.payment_disputes as d
            join private.payments as p on p.payment_id = d.payment_id
            join private.payment_orders as o on o.id = p.payment_order_id
            where o.conversation_id = p_conversation.id
              and d.status in ('open', 'under_review', 'action_required')
          ),
          'The payer''s bank disputes a payment: answer it at Razorpay before respond_by.'
        )
    ) as found (is_so, problem)
    where found.is_so
  );
end;
$$;

revoke all on function private.find_money_problems(public.conversations)
from public, anon, authenticated, service_role;

-- source: 50_payments/find_payment_order.sql sha256:f0dcaa69f883a1952fd08d65cdada071d500f31525900c1725114e7fa60e64b3
-- Our order that Razorpay speaks of: by its id, else by the receipt that we gave it, when
-- Razorpay's answer to us was lost. Nulls: not ours.
--
-- Returns the order, locked. Locks: the conversation, then the order. Writes: payment_orders (an
-- order that is found by its receipt gets its id).
create or replace function private.find_payment_order(
  p_razorpay_order_id text,
  p_told private.provider_order,
  p_mode text
)
returns private.payment_orders
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  select o.* into v_order
  from private.payment_orders as o
  where o.razorpay_order_id = p_razorpay_order_id;
  if not found then
    select o.* into v_order
    from private.payment_orders as o
    where o.razorpay_order_id is null
      and p_told.razorpay_order_id = p_razorpay_order_id
      and (o.receipt, o.amount_minor, o.currency, o.mode)
        = (p_told.receipt, p_told.amount_minor, p_told.currency, p_mode);
  end if;
  if not found then
    return null;
  end if;
  perform private.lock_conversation(v_order.conversation_id, null);
  update private.payment_orders as o
  set
    razorpay_order_id = coalesce(o.razorpay_order_id, p_razorpay_order_id),
    updated_at = case
      when o.razorpay_order_id is null then clock_timestamp()
      else o.updated_at
    end
  where o.id = v_order.id
  returning o.* into v_order;
  return v_order;
end;
$$;

revoke all on function private.find_payment_order(text, private.provider_order, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/find_refund_request.sql sha256:22ef7374c79b629fd4c141dd12d943850e5a8e29e49711371ae9d127108e31a0
-- The request that a refund answers: the one whose receipt it carries or whose answer it is, else
-- one for the same payment and amount that has not been sent, which a person then did by hand.
--
-- Locks: the request; the conversation must be locked already.
create or replace function private.find_refund_request(p_told private.payment_refunds)
returns private.refunds
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_request private.refunds;
begin
  select r.* into v_request
  from private.refunds as r
  where r.payment_id = p_told.payment_id
    and (
      r.id = p_told.request_id
      or r.razorpay_refund_id = p_told.refund_id
      or r.id = (
        select k.request_id from private.payment_refunds as k
        where k.refund_id = p_told.refund_id
      )
      or p_told.request_id is null
        and p_told.status <> 'failed'
        and r.status = 'requested'
        and r.razorpay_refund_id is null
        and (r.amount_minor, r.currency) = (p_told.amount_minor, p_told.currency)
    )
  order by (r.id = p_told.request_id) desc nulls last, r.requested_at
  limit 1
  for update;
  return v_request;
end;
$$;

revoke all on function private.find_refund_request(private.payment_refunds)
from public, anon, authenticated, service_role;

-- source: 50_payments/get_metrics.sql sha256:7ced39599b0073e599170c70dd88909b0b4b4a6d7f7b57eca2a7dc5773d0c613
-- The numbers that a monitor watches.
--
-- Definer: the books are private.
-- Errors: FORBIDDEN (403).
create or replace function private.get_metrics()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return (
    select jsonb_build_object(
      'open_alerts', private.count_alerts(),
      'events', private.count_events(),
      'events_stuck', (
        select count(*) from private.payment_events as e
        where e.status = 'received' and e.received_at < now() - interval '5 minutes'
      ),
      'refunds_requested', refunds.count,
      'refunds_oldest_seconds', refunds.oldest_seconds,
      'pending_payments', pending.count,
      'oldest_pending_payment_seconds', pending.oldest_seconds,
      'payouts_owed', owed.count,
      'payouts_owed_minor', owed.amount_minor,
      'ledger_balance_minor', private.balance_books(),
      'payment_mode', private.get_setting('payment_mode')
    )
    from (
      select
        count(*),
        -- What waits for a bank's decision is not late.
        private.seconds_since(
          min(r.requested_at) filter (where not private.is_disputed(r.payment_id))
        ) as oldest_seconds
      from private.refunds as r
      where r.status = 'requested'
    ) as refunds,
    (
      select
        count(distinct o.id),
        private.seconds_since(min(p.created_at)) as oldest_seconds
      from private.payment_orders as o
      join private.payments as p on p.payment_order_id = o.id
      where o.status = 'open'
    ) as pending,
    (
      select count(*), coalesce(sum(p.amount_minor), 0) as amount_minor
      from private.payouts as p where p.status = 'owed'
    ) as owed
  );
end;
$$;

-- RPC: operators' numbers; returns `{open_alerts: {info, warning, critical}, events: {received,
-- parked}, events_stuck, refunds_requested, refunds_oldest_seconds, pending_payments,
-- oldest_pending_payment_seconds, payouts_owed, payouts_owed_minor, ledger_balance_minor,
-- payment_mode}`; stuck events wait for more than 5 minutes, the balance is 0.
create or replace function public.get_metrics()
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_metrics();
$$;

revoke all on function private.get_metrics() from public, anon, authenticated, service_role;
grant execute on function private.get_metrics() to authenticated, service_role;
revoke all on function public.get_metrics() from public, anon, authenticated, service_role;
grant execute on function public.get_metrics() to authenticated, service_role;

-- source: 50_payments/hash_id.sql sha256:0123b0d4e3a5a20e5e85d2ae0d5a173fab6e3cd2e88831c120020e44eb1a8dc2
-- The id of an event that came without a usable one: sha256 of its body.
create or replace function private.hash_id(p_sha256 bytea)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return 'sha256:' || encode(p_sha256, 'hex');
end;
$$;

revoke all on function private.hash_id(bytea) from public, anon, authenticated, service_role;

-- source: 50_payments/is_disputed.sql sha256:f47ccae0b5be3cc526a74df443fd6da88cbb8926380c2e6971451416edb807f4
-- Whether the payer's bank disputes a payment, or has taken it back.
create or replace function private.is_disputed(p_payment_id text)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return exists (
    select from private.payment_disputes as d
    where d.payment_id = p_payment_id and d.status not in ('won', 'closed')
  );
end;
$$;

revoke all on function private.is_disputed(text)
from public, anon, authenticated, service_role;

-- source: 50_payments/is_used_event.sql sha256:32012a33ca155e147574066b44b79708db0b48faba2927f91487645bfe27550a
-- Whether events of a type tell us something; the rest is stored and left.
--
-- Source: https://razorpay.com/docs/webhooks/payments
create or replace function private.is_used_event(p_event_type text)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return p_event_type in (
    'order.paid', 'payment.authorized', 'payment.captured', 'payment.failed',
    'refund.created', 'refund.processed', 'refund.failed', 'refund.speed_changed',
    'payment.dispute.created', 'payment.dispute.under_review',
    'payment.dispute.action_required', 'payment.dispute.won', 'payment.dispute.lost',
    'payment.dispute.closed'
  );
end;
$$;

revoke all on function private.is_used_event(text) from public, anon, authenticated, service_role;

-- source: 50_payments/judge_payment.sql sha256:2aa4c36e3b935e9e3c56f4cd3a81b15b5634795646e2591f1a33383793f2d7b8
-- What money that came in for an order means for its deal: applied when the deal waits for just
-- this, otherwise why it goes back.
--
-- Args: the conversation as it is now; the order; the payment; the order as Razorpay told of it.
create or replace function private.judge_payment(
  p_conversation public.conversations,
  p_order private.payment_orders,
  p_payment private.payments,
  p_told private.provider_order
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_left constant bigint := p_payment.amount_minor - p_payment.refunded_minor;
begin
  return case
    when p_payment.currency <> p_order.currency then 'currency_mismatch'
    when p_told.amount_minor <> p_order.amount_minor or p_told.currency <> p_order.currency
      then 'amount_mismatch'
    when p_conversation.captured_minor > 0 and p_order.status = 'paid' then 'double_payment'
    when p_conversation.chat_status = 'closed' then 'captured_after_closed'
    when p_order.status = 'superseded' then 'superseded_order'
    when p_conversation.captured_minor > 0 then 'double_payment'
    when v_left = p_order.amount_minor then 'applied'
    -- The payer bears Razorpay's fee: it comes on top.
    when v_left - p_payment.fee_minor = p_order.amount_minor then 'applied'
    when v_left < p_order.amount_minor then 'underpaid'
    else 'amount_mismatch'
  end;
end;
$$;

revoke all on function private.judge_payment(
  public.conversations, private.payment_orders, private.payments, private.provider_order
) from public, anon, authenticated, service_role;

-- source: 50_payments/judge_refund.sql sha256:f994f6f18e844a03e8172d7ded0971129673913fe6435160e9b74c273cb0836d
-- What a refund that nobody asked us for means: of money in the books, of money that no deal took,
-- or of a payment that never came in.
create or replace function private.judge_refund(p_payment private.payments)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return case
    when exists (
      select from private.escrow_ledger as e
      where e.from_account = 'gateway' and e.payment_id = p_payment.payment_id
    ) then 'refund_recorded'
    -- private.settle_order says what that means.
    when p_payment.captured_at is not null then 'noop'
    else 'uncaptured_refund'
  end;
end;
$$;

revoke all on function private.judge_refund(private.payments)
from public, anon, authenticated, service_role;

-- source: 50_payments/ledger_balance.sql sha256:070cdcf8526c98311d7f272732816ae8ead56696dc07f91cc0e20e43afaef5e3
-- What the ledger says is on an account for a conversation, in paise.
create or replace function private.ledger_balance(p_conversation_id uuid, p_account text)
returns bigint
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(sum(
      case p_account
        when e.to_account then e.amount_minor
        when e.from_account then -e.amount_minor
        else 0
      end
    ), 0)
    from private.escrow_ledger as e
    where e.conversation_id = p_conversation_id
  );
end;
$$;

revoke all on function private.ledger_balance(uuid, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/list_alerts.sql sha256:ac8f052e3694a66a548956a8cb55e2f20fcfb799f86c6117f2e64991338a19cc
-- What operators are to look at, newest first.
--
-- Args: open or resolved; how many; an id of that list, to go on from; info, warning or critical
-- (null: all).
-- Definer: alerts are private.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for another status or severity.
create or replace function private.list_alerts(
  p_status text,
  p_page_size integer,
  p_before bigint,
  p_severity text
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  perform private.check_choice('status', p_status, array['open', 'resolved']);
  perform private.check_choice(
    'severity', coalesce(p_severity, 'info'), array['info', 'warning', 'critical']
  );
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.id desc)
      from (
        select
          a.id, a.kind, a.severity, a.status, a.conversation_id, a.razorpay_order_id,
          a.razorpay_payment_id, a.event_row_id, a.details, a.seen, a.first_seen_at,
          a.last_seen_at, a.resolved_at, a.note
        from private.alerts as a
        where a.status = p_status
          and a.id < coalesce(p_before, 9223372036854775807)
          and a.severity = coalesce(p_severity, a.severity)
        order by a.id desc
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: operators' list; returns `[{id, kind, severity, status, conversation_id, razorpay_order_id,
-- razorpay_payment_id, event_row_id, details, seen, first_seen_at, last_seen_at, resolved_at,
-- note}]`.
create or replace function public.list_alerts(
  status text default 'open',
  page_size integer default 50,
  before bigint default null,
  severity text default null
)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.list_alerts(status, page_size, before, severity);
$$;

revoke all on function private.list_alerts(text, integer, bigint, text)
from public, anon, authenticated, service_role;
grant execute on function private.list_alerts(text, integer, bigint, text)
to authenticated, service_role;
revoke all on function public.list_alerts(text, integer, bigint, text)
from public, anon, authenticated, service_role;
grant execute on function public.list_alerts(text, integer, bigint, text)
to authenticated, service_role;

-- source: 50_payments/list_payouts.sql sha256:087494ea327fd748be06eb88e3128245b4ba4864fbeef5842c9600d7f3e273f8
-- What influencers are owed, oldest first; moving the money is a person's work.
--
-- Args: owed or paid; how many; an id of that list, to go on from.
-- Definer: the books are private.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for another status.
create or replace function private.list_payouts(p_status text, p_page_size integer, p_after uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  perform private.check_choice('status', p_status, array['owed', 'paid']);
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.created_at, page.id)
      from (
        select
          p.id, p.conversation_id, p.influencer_id, u.display_name, p.amount_minor, p.currency,
          p.status, p.reference, p.created_at, p.paid_at,
          exists (
            select from private.payment_orders as o
            join private.payments as m on m.payment_order_id = o.id
            where o.conversation_id = p.conversation_id and private.is_disputed(m.payment_id)
          ) as disputed
        from private.payouts as p
        join public.users as u on u.id = p.influencer_id
        where p.status = p_status
          and (
            p_after is null
            or (p.created_at, p.id) > (
              select k.created_at, k.id from private.payouts as k where k.id = p_after
            )
          )
        order by p.created_at, p.id
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: operators' list of payouts; returns `[{id, conversation_id, influencer_id, display_name,
-- amount_minor, currency, status, reference, created_at, paid_at, disputed}]`; disputed: the
-- payer's bank claims the money, or has it.
create or replace function public.list_payouts(
  status text default 'owed',
  page_size integer default 50,
  after uuid default null
)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.list_payouts(status, page_size, after);
$$;

revoke all on function private.list_payouts(text, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.list_payouts(text, integer, uuid) to authenticated, service_role;
revoke all on function public.list_payouts(text, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.list_payouts(text, integer, uuid) to authenticated, service_role;

-- source: 50_payments/lock_payment_order.sql sha256:f95eefc6ef0002227214fdd4479b87dcab9b4b7fbd81c77f4abf8edebe65dc55
-- Locks an order with its conversation and returns it; nulls when there is none.
--
-- Locks: the conversation, then the order.
create or replace function private.lock_payment_order(p_payment_order_id uuid)
returns private.payment_orders
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_order private.payment_orders;
begin
  perform 1 from public.conversations as c
  where c.id = (
    select o.conversation_id from private.payment_orders as o where o.id = p_payment_order_id
  )
  for no key update;
  select o.* into v_order
  from private.payment_orders as o
  where o.id = p_payment_order_id
  for update;
  return v_order;
end;
$$;

revoke all on function private.lock_payment_order(uuid)
from public, anon, authenticated, service_role;

-- source: 50_payments/mark_payment_returned.sql sha256:d62806117bec4574a01801f077566a93e859f3cc360a1af2bc183db601bfe0c9
-- An operator has sent a payment that no deal waited for back by another way than the gateway's;
-- reference is the proof of it. For the refund of a deal there is mark_refunded_manually.
--
-- Args: the request, of refund_requests in diagnose_conversation; the proof.
-- Definer: the books are private.
-- Locks: the conversation, then the request. Writes: payment_audit, and what private.settle_bounce
-- writes.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) without a reference, or for what is no such request
-- or is done.
create or replace function private.mark_payment_returned(p_refund_id uuid, p_reference text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reference text;
  v_request private.refunds;
begin
  perform private.require_operator();
  v_reference := private.require_text(p_reference, 'reference', 200);
  perform 1 from public.conversations as c
  where c.id = (select r.conversation_id from private.refunds as r where r.id = p_refund_id)
  for no key update;
  select r.* into v_request
  from private.refunds as r
  where r.id = p_refund_id and r.kind = 'bounce' and r.status = 'requested'
  for update;
  if not found then
    perform private.raise_input_invalid(
      'refund_id', 'requested', 'There is no such payment to be sent back.'
    );
  end if;
  perform private.settle_bounce(v_request, v_reference);
  insert into private.payment_audit (actor, action, conversation_id, details)
  values (
    'operator:' || coalesce(auth.uid()::text, 'service'), 'payment_returned',
    v_request.conversation_id,
    jsonb_build_object(
      'payment_id', v_request.payment_id, 'amount_minor', v_request.amount_minor,
      'reference', v_reference
    )
  );
  return jsonb_build_object('id', v_request.id, 'status', 'processed');
end;
$$;

-- RPC: operators end the return of a payment; returns `{id, status}`.
create or replace function public.mark_payment_returned(refund_id uuid, reference text)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.mark_payment_returned(refund_id, reference);
$$;

revoke all on function private.mark_payment_returned(uuid, text)
from public, anon, authenticated, service_role;
grant execute on function private.mark_payment_returned(uuid, text)
to authenticated, service_role;
revoke all on function public.mark_payment_returned(uuid, text)
from public, anon, authenticated, service_role;
grant execute on function public.mark_payment_returned(uuid, text)
to authenticated, service_role;

-- source: 50_payments/mark_payout_paid.sql sha256:0b5f1dfe8ff4930111ec287a4fc3be8c62bb0e6ce0fbcc26f28aef7a65df80c1
-- An operator has paid an influencer; reference is the proof of it.
--
-- Definer: the books are private.
-- Locks: the payout. Writes: payouts, payment_audit.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for a payout that is not owed, or without a
-- reference.
create or replace function private.mark_payout_paid(p_payout_id uuid, p_reference text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_payout private.payouts;
begin
  perform private.require_operator();
  if p_reference is null or private.is_blank(p_reference) or char_length(p_reference) > 200 then
    perform private.raise_input_invalid(
      'reference', 'required', 'Say with which transfer it was paid, in up to 200 characters.'
    );
  end if;
  update private.payouts as p
  set status = 'paid', reference = p_reference, paid_at = now()
  where p.id = p_payout_id and p.status = 'owed'
  returning p.* into v_payout;
  if not found then
    perform private.raise_input_invalid('payout_id', 'owed', 'There is no such payout to be made.');
  end if;
  insert into private.payment_audit (actor, action, conversation_id, details)
  values (
    'operator:' || coalesce(auth.uid()::text, 'service'), 'payout_paid', v_payout.conversation_id,
    jsonb_build_object('amount_minor', v_payout.amount_minor, 'reference', p_reference)
  );
  return jsonb_build_object('id', v_payout.id, 'status', v_payout.status);
end;
$$;

-- RPC: operators mark a payout as paid; returns `{id, status}`.
create or replace function public.mark_payout_paid(payout_id uuid, reference text)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.mark_payout_paid(payout_id, reference);
$$;

revoke all on function private.mark_payout_paid(uuid, text)
from public, anon, authenticated, service_role;
grant execute on function private.mark_payout_paid(uuid, text) to authenticated, service_role;
revoke all on function public.mark_payout_paid(uuid, text)
from public, anon, authenticated, service_role;
grant execute on function public.mark_payout_paid(uuid, text) to authenticated, service_role;

-- source: 50_payments/match_order.sql sha256:066e87ba127385f18c17331fb06491614e0990b4150a3a2c8faa10d6266c7d00
-- Whether Razorpay's entity is the order that we asked for: attached, already_attached or
-- order_mismatch.
create or replace function private.match_order(p_order private.payment_orders, p_entity jsonb)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_told private.provider_order;
begin
  v_told := private.read_order(p_entity);
  return case
    when (v_told.receipt, v_told.amount_minor, v_told.currency)
      is distinct from (p_order.receipt, p_order.amount_minor, p_order.currency)
      then 'order_mismatch'
    when p_order.razorpay_order_id is null then 'attached'
    else 'already_attached'
  end;
exception
  when data_exception then
    return 'order_mismatch';
end;
$$;

revoke all on function private.match_order(private.payment_orders, jsonb)
from public, anon, authenticated, service_role;

-- source: 50_payments/match_refund.sql sha256:45ddd109f3f512e1c8554d0d641c4accafed87b178597c2e4f596bea49b46237
-- Razorpay's refund, read, when it is what we asked for; nulls when it is not.
create or replace function private.match_refund(p_request private.refunds, p_entity jsonb)
returns private.payment_refunds
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_told private.payment_refunds;
begin
  v_told := private.read_refund(p_entity);
  if (v_told.payment_id, v_told.amount_minor, v_told.currency)
    is distinct from (p_request.payment_id, p_request.amount_minor, p_request.currency) then
    return null;
  end if;
  v_told.request_id := p_request.id;
  return v_told;
exception
  when data_exception then
    return null;
end;
$$;

revoke all on function private.match_refund(private.refunds, jsonb)
from public, anon, authenticated, service_role;

-- source: 50_payments/merge_payment.sql sha256:f593986f90c70362f7b26ca99ff23b7cefd8cd84b1a62b1200e28baa8f9a9481
-- Keeps what Razorpay says about a payment. Facts only move forward, so that it does not matter in
-- which order they arrive.
--
-- Args: our order, locked; the payment as it was told.
-- Returns whether it failed now and had not before.
-- Writes: payments.
create or replace function private.merge_payment(p_order_id uuid, p_told private.payments)
returns boolean
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_known private.payments;
  v_is_ahead boolean;
begin
  select p.* into v_known
  from private.payments as p
  where p.payment_id = p_told.payment_id;
  if not found then
    insert into private.payments (
      payment_id, payment_order_id, amount_minor, currency, status, method, captured_at,
      refunded_minor, fee_minor, error_code, error_reason
    )
    values (
      p_told.payment_id, p_order_id, p_told.amount_minor, p_told.currency, p_told.status,
      p_told.method, p_told.captured_at, p_told.refunded_minor, p_told.fee_minor,
      p_told.error_code, p_told.error_reason
    );
    return p_told.status = 'failed';
  end if;
  v_is_ahead := private.payment_rank(p_told.status) > private.payment_rank(v_known.status);
  update private.payments as p
  set
    status = case when v_is_ahead then p_told.status else p.status end,
    method = coalesce(p_told.method, p.method),
    captured_at = coalesce(p.captured_at, p_told.captured_at),
    refunded_minor = greatest(p.refunded_minor, p_told.refunded_minor),
    fee_minor = coalesce(p_told.fee_minor, p.fee_minor),
    error_code = case when v_is_ahead then p_told.error_code else p.error_code end,
    error_reason = case when v_is_ahead then p_told.error_reason else p.error_reason end,
    updated_at = clock_timestamp()
  where p.payment_id = p_told.payment_id;
  return v_is_ahead and p_told.status = 'failed';
end;
$$;

revoke all on function private.merge_payment(uuid, private.payments)
from public, anon, authenticated, service_role;

-- source: 50_payments/merge_refund.sql sha256:193c230c907e1e021cffe76bfaff257ec8535f1036e7da22c1805961f8001597
-- Keeps what Razorpay says about a refund, and what is refunded of its payment with that. A failed
-- one does not count any more.
--
-- Args: the refund as it was told; the request that it answers, where that is known.
-- Returns whether anything about it is new. Writes: payment_refunds, payments.
create or replace function private.merge_refund(p_told private.payment_refunds, p_request_id uuid)
returns boolean
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_ranks constant text[] := array['created', 'processed', 'failed'];
  v_is_new boolean;
begin
  insert into private.payment_refunds as r (
    refund_id, payment_id, request_id, amount_minor, currency, status
  )
  values (
    p_told.refund_id, p_told.payment_id, p_request_id, p_told.amount_minor, p_told.currency,
    p_told.status
  )
  on conflict (refund_id) do update
  set
    status = excluded.status,
    request_id = coalesce(r.request_id, excluded.request_id),
    updated_at = clock_timestamp()
  where array_position(c_ranks, excluded.status) > array_position(c_ranks, r.status);
  v_is_new := found;
  if v_is_new then
    update private.payments as p
    set
      refunded_minor = case
        when p_told.status = 'failed' then live.amount_minor
        else greatest(p.refunded_minor, live.amount_minor)
      end,
      updated_at = clock_timestamp()
    from (
      select coalesce(sum(r.amount_minor), 0) as amount_minor
      from private.payment_refunds as r
      where r.payment_id = p_told.payment_id and r.status <> 'failed'
    ) as live
    where p.payment_id = p_told.payment_id;
  end if;
  return v_is_new;
end;
$$;

revoke all on function private.merge_refund(private.payment_refunds, uuid)
from public, anon, authenticated, service_role;

-- source: 50_payments/money_rows_json.sql sha256:bef778747ecda1c6e130f04ccbc026ac8e6f0c73eb2c465250d933e55d102746
-- All rows about a conversation's money, oldest first, without raw bodies: `{ledger, orders,
-- payments, refund_requests, refunds, disputes, events, payouts, alerts, audit}`.
create or replace function private.money_rows_json(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'ledger', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'conversation_id' order by e.id), '[]')
      from private.escrow_ledger as e where e.conversation_id = p_conversation_id
    ),
    'orders', (
      select coalesce(jsonb_agg(to_jsonb(o) - 'conversation_id' order by o.created_at), '[]')
      from private.payment_orders as o where o.conversation_id = p_conversation_id
    ),
    'payments', (
      select coalesce(jsonb_agg(to_jsonb(p) order by p.created_at), '[]')
      from private.payments as p
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'refund_requests', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'conversation_id' order by r.requested_at), '[]')
      from private.refunds as r where r.conversation_id = p_conversation_id
    ),
    'refunds', (
      select coalesce(jsonb_agg(to_jsonb(k) order by k.created_at), '[]')
      from private.payment_refunds as k
      join private.payments as p on p.payment_id = k.payment_id
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'disputes', (
      select coalesce(jsonb_agg(to_jsonb(d) order by d.created_at), '[]')
      from private.payment_disputes as d
      join private.payments as p on p.payment_id = d.payment_id
      join private.payment_orders as o on o.id = p.payment_order_id
      where o.conversation_id = p_conversation_id
    ),
    'events', (
      select coalesce(
        jsonb_agg(to_jsonb(e) - array['body', 'sha256', 'conversation_id'] order by e.id), '[]'
      )
      from private.payment_events as e
      -- Two questions, each with an index: "or" would read the whole table.
      where e.id in (
        select own.id from private.payment_events as own
        where own.conversation_id = p_conversation_id
        union
        select told.id
        from private.payment_orders as o
        join private.payment_events as told on told.razorpay_order_id = o.razorpay_order_id
        where o.conversation_id = p_conversation_id
      )
    ),
    'payouts', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'conversation_id' order by p.created_at), '[]')
      from private.payouts as p where p.conversation_id = p_conversation_id
    ),
    'alerts', (
      select coalesce(jsonb_agg(to_jsonb(a) - 'conversation_id' order by a.id), '[]')
      from private.alerts as a where a.conversation_id = p_conversation_id
    ),
    'audit', (
      select coalesce(jsonb_agg(to_jsonb(a) - 'conversation_id' order by a.id), '[]')
      from private.payment_audit as a where a.conversation_id = p_conversation_id
    )
  );
end;
$$;

revoke all on function private.money_rows_json(uuid) from public, anon, authenticated, service_role;

-- source: 50_payments/payer_json.sql sha256:d771e7614138fc34b23fda851012013180aefa5f1977904c63036ebc2089e27e
-- What a checkout may fill in for the caller: `{name, email, contact}`; the e-mail is the token's.
create or replace function private.payer_json(p_user_id uuid)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'name', u.display_name, 'email', nullif(auth.jwt() ->> 'email', ''), 'contact', a.phone
    )
    from public.users as u
    left join private.accounts as a on a.user_id = u.id
    where u.id = p_user_id
  );
end;
$$;

revoke all on function private.payer_json(uuid) from public, anon, authenticated, service_role;

-- source: 50_payments/payment_order_json.sql sha256:961a010a917cfc959d356a79b80c6d49f459df0a11ec14a69bf39fff3986ef7d
-- An order as flow_data and action messages show it; without what Razorpay has not made yet.
create or replace function private.payment_order_json(p_order private.payment_orders)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_strip_nulls(jsonb_build_object(
    'payment_order_id', p_order.id,
    'receipt', p_order.receipt,
    'amount_minor', p_order.amount_minor,
    'currency', p_order.currency,
    'razorpay_order_id', p_order.razorpay_order_id,
    'razorpay_config', p_order.checkout
  ));
end;
$$;

revoke all on function private.payment_order_json(private.payment_orders)
from public, anon, authenticated, service_role;

-- source: 50_payments/payment_outcomes.sql sha256:911b3933577b060a0f0fc107ec4910255bb50ec55ac44c82d749542388cd6484
-- What an event or an answer of Razorpay can come to: what becomes of the event, how grave it is
-- for operators (null: no alert), and whether it stands in the audit.
create or replace function private.payment_outcomes()
returns table (
  outcome text, status text, severity text, is_audited boolean
)
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return query values
    ('applied', 'processed', null, true),
    ('noop', 'processed', null, false),
    ('ignored_event_type', 'ignored', null, false),
    -- Set aside for a person.
    ('malformed', 'parked', 'critical', false),
    ('unknown_order', 'parked', 'info', false),
    ('foreign_account', 'parked', 'warning', false),
    ('mode_mismatch', 'parked', 'critical', true),
    ('order_mismatch', 'parked', 'critical', true),
    ('processing_failed', 'parked', 'critical', true),
    ('captured_out_of_flow', 'parked', 'critical', true),
    -- Money that goes back by itself; a person should know.
    ('amount_mismatch', 'parked', 'critical', true),
    ('currency_mismatch', 'parked', 'critical', true),
    ('underpaid', 'parked', 'warning', true),
    ('superseded_order', 'parked', 'critical', true),
    ('double_payment', 'parked', 'critical', true),
    ('captured_after_closed', 'parked', 'critical', true),
    -- Facts that are in the books.
    ('refunded_before_completion', 'processed', 'warning', true),
    ('uncaptured_refund', 'processed', 'warning', true),
    ('refund_recorded', 'processed', 'critical', true),
    ('refund_pending', 'processed', null, true),
    ('refund_processed', 'processed', null, true),
    ('refund_failed', 'processed', 'critical', true),
    ('refund_mismatch', 'processed', 'critical', true),
    ('dispute_recorded', 'processed', 'critical', true),
    ('event_id_reused', 'processed', 'critical', false);
end;
$$;

revoke all on function private.payment_outcomes() from public, anon, authenticated, service_role;

-- source: 50_payments/payment_rank.sql sha256:ca5e98ca5e074d661e2f85eda22e6a537fd400d74a58ab0bc200c720f71be56e
-- How far a payment's status is; null for one that is not known. A failure may still be followed by
-- an authorization: banks answer late.
--
-- Source: https://razorpay.com/docs/payments/payments/late-authorisation
create or replace function private.payment_rank(p_status text)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return array_position(
    array['created', 'failed', 'authorized', 'captured', 'refunded'], p_status
  );
end;
$$;

revoke all on function private.payment_rank(text) from public, anon, authenticated, service_role;

-- source: 50_payments/peek_event.sql sha256:4cf9bde8c85be9abbae17c26930607d313993a605e6bc1cfb840409d281e1847
-- What an event seems to be about, for those who look for it; `{}` when it cannot be read.
create or replace function private.peek_event(p_body bytea)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_event jsonb;
begin
  v_event := convert_from(p_body, 'UTF8')::jsonb;
  return jsonb_strip_nulls(jsonb_build_object(
    'event_type', left(v_event ->> 'event', 100),
    'razorpay_order_id', left(
      coalesce(
        v_event #>> '{payload,payment,entity,order_id}', v_event #>> '{payload,order,entity,id}'
      ),
      100
    )
  ));
exception
  when data_exception or program_limit_exceeded then
    return jsonb_build_object();
end;
$$;

revoke all on function private.peek_event(bytea) from public, anon, authenticated, service_role;

-- source: 50_payments/process_payment_event.sql sha256:c68de7467bd27e7a8414371dc4c00704efaa5e6da5118a6aacb15b77e9f433f4
-- Acts on a stored event, once.
--
-- Args: the event's row; who acts (an operator may have one processed that was set aside).
-- Definer: the events are private.
-- Locks: the event, then the conversation, then its order; at most 1.5 seconds each. Writes: what
-- private.apply_event writes.
-- Errors: INPUT_INVALID (422) for a row that is not there.
create or replace function private.process_payment_event(p_event_row_id bigint, p_actor text)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_event private.payment_events;
  v_verdict private.payment_verdict;
begin
  select e.* into v_event
  from private.payment_events as e
  where e.id = p_event_row_id
  for update;
  if not found then
    perform private.raise_input_invalid('event_row_id', 'known', 'There is no such event.');
  end if;
  if v_event.status = 'received'
    or v_event.status = 'parked' and v_event.body is not null and p_actor like 'operator:%' then
    v_verdict := private.apply_event(v_event, coalesce(p_actor, 'webhook'));
    select e.* into v_event from private.payment_events as e where e.id = p_event_row_id;
  else
    v_verdict.outcome := 'duplicate';
  end if;
  return jsonb_build_object(
    'outcome', v_verdict.outcome,
    'status', v_event.status,
    'event_type', v_event.event_type,
    'conversation_id', v_event.conversation_id,
    'razorpay_order_id', v_event.razorpay_order_id,
    'razorpay_payment_id', v_event.razorpay_payment_id
  );
end;
$$;

-- RPC: service only; processes an event; returns `{outcome, status, event_type, conversation_id,
-- razorpay_order_id, razorpay_payment_id}`.
create or replace function public.process_payment_event(
  event_row_id bigint,
  actor text default 'webhook'
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.process_payment_event(event_row_id, actor);
$$;

revoke all on function private.process_payment_event(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function private.process_payment_event(bigint, text) to service_role;
revoke all on function public.process_payment_event(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function public.process_payment_event(bigint, text) to service_role;

-- source: 50_payments/read_base64.sql sha256:97713dfa583eeb3aedcce2c5d2211d2ab71964f0633996d1704610e183001997
-- Bytes that travel as base64.
--
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.read_base64(p_text text)
returns bytea
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return decode(coalesce(p_text, '-'), 'base64');
exception
  when data_exception then
    perform private.raise_input_invalid('body_base64', 'base64', 'The body is not base64.');
    return null;
end;
$$;

revoke all on function private.read_base64(text) from public, anon, authenticated, service_role;

-- source: 50_payments/read_currency.sql sha256:f96ba8e53fb9ec973bb523e65f50d46bbc294517bceda98969b2efa68a30d1fe
-- A currency's code, three capital letters.
--
-- Errors: 22023 for anything else.
create or replace function private.read_currency(p_value jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if jsonb_typeof(p_value) = 'string' and p_value #>> '{}' ~ '^[A-Z]{3}$' then
    return p_value #>> '{}';
  end if;
  raise exception 'not a currency: %', left(coalesce(p_value::text, 'nothing'), 40)
    using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.read_currency(jsonb) from public, anon, authenticated, service_role;

-- source: 50_payments/read_dispute.sql sha256:778e5ac09e4b4d71a8970f0916ad6789f545e19ff0e8120e09567b007efdeb77
-- A dispute entity of Razorpay's; nulls where there is none.
--
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/disputes/entity
create or replace function private.read_dispute(p_entity jsonb)
returns private.payment_disputes
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_dispute private.payment_disputes;
begin
  if coalesce(p_entity, 'null') = 'null' then
    return v_dispute;
  end if;
  v_dispute.dispute_id := private.require_provider_id(p_entity -> 'id', 'disp_');
  v_dispute.payment_id := private.require_provider_id(p_entity -> 'payment_id', 'pay_');
  v_dispute.amount_minor := private.require_paise(p_entity -> 'amount');
  v_dispute.currency := private.read_currency(p_entity -> 'currency');
  v_dispute.status := p_entity ->> 'status';
  if private.dispute_rank(v_dispute.status) is null then
    raise exception 'not a status of a dispute: %', left(coalesce(v_dispute.status, 'none'), 40)
      using errcode = 'invalid_parameter_value';
  end if;
  v_dispute.phase := left(p_entity ->> 'phase', 40);
  v_dispute.reason_code := left(p_entity ->> 'reason_code', 100);
  v_dispute.respond_by := to_timestamp(private.read_paise(p_entity -> 'respond_by'));
  return v_dispute;
end;
$$;

revoke all on function private.read_dispute(jsonb) from public, anon, authenticated, service_role;

-- source: 50_payments/read_order.sql sha256:5490058fa595b20e581fe446051170f41e60b000f82084fc6f1df3337e0e97a9
-- An order entity of Razorpay's; nulls where there is none.
--
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/orders/entity
create or replace function private.read_order(p_entity jsonb)
returns private.provider_order
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_order private.provider_order;
begin
  if coalesce(p_entity, 'null') <> 'null' then
    v_order.razorpay_order_id := private.require_provider_id(p_entity -> 'id', 'order_');
    v_order.amount_minor := private.require_paise(p_entity -> 'amount');
    v_order.currency := private.read_currency(p_entity -> 'currency');
    v_order.receipt := p_entity ->> 'receipt';
  end if;
  return v_order;
end;
$$;

revoke all on function private.read_order(jsonb) from public, anon, authenticated, service_role;

-- source: 50_payments/read_paise.sql sha256:1485fb134be613d565606619d3fc0d4acb6f51ded62955736e9fea5843e8f0c8
-- An amount of Razorpay's in paise; only whole JSON numbers are amounts. Null where JSON has null
-- or nothing.
--
-- Errors: 22023 for anything else: texts, fractions, what is negative or past all money.
create or replace function private.read_paise(p_value jsonb)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if coalesce(p_value, 'null') = 'null' then
    return null;
  end if;
  if jsonb_typeof(p_value) = 'number'
    and p_value @? '$ ? (@ >= 0 && @ <= 1000000000000000 && @.floor() == @)' then
    return p_value::numeric::bigint;
  end if;
  raise exception 'not an amount in paise: %', left(p_value::text, 40)
    using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.read_paise(jsonb) from public, anon, authenticated, service_role;

-- source: 50_payments/read_payment.sql sha256:ccfd5ab1aeb4f00d32c45465024fe99d8bb5e389080d8def12a6fb37d7e6a215
-- A payment entity of Razorpay's; nulls where there is none.
--
-- Money has come in when it is captured, or was before it was given back. What `captured` says
-- alone is not believed: published samples of failed and of authorized payments say true.
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/payments/entity
create or replace function private.read_payment(p_entity jsonb)
returns private.payments
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_payment private.payments;
begin
  if coalesce(p_entity, 'null') = 'null' then
    return v_payment;
  end if;
  v_payment.payment_id := private.require_provider_id(p_entity -> 'id', 'pay_');
  v_payment.amount_minor := private.require_paise(p_entity -> 'amount');
  v_payment.currency := private.read_currency(p_entity -> 'currency');
  v_payment.status := p_entity ->> 'status';
  if private.payment_rank(v_payment.status) is null then
    raise exception 'not a status of a payment: %', left(coalesce(v_payment.status, 'none'), 40)
      using errcode = 'invalid_parameter_value';
  end if;
  v_payment.captured_at := case
    when v_payment.status = 'captured'
      or v_payment.status = 'refunded' and p_entity -> 'captured' = 'true' then clock_timestamp()
  end;
  v_payment.refunded_minor := coalesce(private.read_paise(p_entity -> 'amount_refunded'), 0);
  v_payment.fee_minor := private.read_paise(p_entity -> 'fee');
  v_payment.method := left(p_entity ->> 'method', 40);
  v_payment.error_code := left(p_entity ->> 'error_code', 100);
  v_payment.error_reason := left(
    coalesce(p_entity ->> 'error_description', p_entity ->> 'error_reason'), 200
  );
  return v_payment;
end;
$$;

revoke all on function private.read_payment(jsonb) from public, anon, authenticated, service_role;

-- source: 50_payments/read_provider_id.sql sha256:12bca2df5a41844d0ca642e029216c03108e4e9403340aa4060f69fae0e3c1df
-- An id of Razorpay's, such as pay_... or order_...; null where JSON has null or nothing.
--
-- Args: the value; what the id begins with.
-- Errors: 22023 for anything else.
create or replace function private.read_provider_id(p_value jsonb, p_prefix text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_id constant text := p_value #>> '{}';
begin
  if v_id is null then
    return null;
  end if;
  if jsonb_typeof(p_value) = 'string' and v_id ~ '^[a-z]+_[A-Za-z0-9]{1,40}$'
    and starts_with(v_id, p_prefix) then
    return v_id;
  end if;
  raise exception 'not an id that begins with %: %', p_prefix, left(p_value::text, 40)
    using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.read_provider_id(jsonb, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/read_refund.sql sha256:f4419c3f51ad3c553c61cfae9ca40d227b89f6c3dadd68efc8ca81979e72cd4f
-- A refund entity of Razorpay's; nulls where there is none. request_id is what the refund says it
-- was made for, whether or not there is such a request.
--
-- Errors: 22023 for one that is not as documented.
-- Source: https://razorpay.com/docs/api/refunds/entity
create or replace function private.read_refund(p_entity jsonb)
returns private.payment_refunds
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_refund private.payment_refunds;
begin
  if coalesce(p_entity, 'null') = 'null' then
    return v_refund;
  end if;
  v_refund.refund_id := private.require_provider_id(p_entity -> 'id', 'rfnd_');
  v_refund.payment_id := private.require_provider_id(p_entity -> 'payment_id', 'pay_');
  v_refund.amount_minor := private.require_paise(p_entity -> 'amount');
  v_refund.currency := private.read_currency(p_entity -> 'currency');
  v_refund.status := case p_entity ->> 'status'
    when 'processed' then 'processed'
    when 'failed' then 'failed'
    else 'created'
  end;
  v_refund.request_id := (
    select r.id from private.refunds as r
    where r.id::text = p_entity ->> 'receipt' and r.payment_id = v_refund.payment_id
  );
  return v_refund;
end;
$$;

revoke all on function private.read_refund(jsonb) from public, anon, authenticated, service_role;

-- source: 50_payments/read_report.sql sha256:2a543dc10387a44bd1806d49d1bf088b3a17c9ffec37505cec04083936713c10
-- What the body of an event says, checked; only its type and account where we have no use for it.
--
-- Errors: 22xxx and 54xxx for bytes that are no event: no UTF-8, no JSON, nested without end, an
-- entity that is missing or not as documented.
-- Source: https://razorpay.com/docs/webhooks/payloads
create or replace function private.read_report(p_body bytea)
returns private.payment_report
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_event constant jsonb := convert_from(p_body, 'UTF8')::jsonb;
  v_payload constant jsonb := v_event -> 'payload';
  v_report private.payment_report;
begin
  if jsonb_typeof(v_event -> 'event') is distinct from 'string' then
    raise exception 'not an event' using errcode = 'invalid_parameter_value';
  end if;
  v_report.event_type := left(v_event ->> 'event', 100);
  v_report.account_id := left(v_event ->> 'account_id', 100);
  if not private.is_used_event(v_report.event_type) then
    return v_report;
  end if;
  v_report.payment := private.read_payment(v_payload #> '{payment,entity}');
  v_report.provider_order := private.read_order(v_payload #> '{order,entity}');
  v_report.refund := private.read_refund(v_payload #> '{refund,entity}');
  v_report.dispute := private.read_dispute(v_payload #> '{dispute,entity}');
  v_report.razorpay_order_id := coalesce(
    private.read_provider_id(v_payload #> '{payment,entity,order_id}', 'order_'),
    (v_report.provider_order).razorpay_order_id
  );
  if (v_report.payment).payment_id is null
    or v_report.event_type like 'order.%' and (v_report.provider_order).amount_minor is null
    or v_report.event_type like 'refund.%' and (v_report.refund).refund_id is null
    or v_report.event_type like 'payment.dispute.%' and (v_report.dispute).dispute_id is null
  then
    raise exception 'an entity of % is missing', v_report.event_type
      using errcode = 'invalid_parameter_value';
  end if;
  return v_report;
end;
$$;

revoke all on function private.read_report(bytea) from public, anon, authenticated, service_role;

-- source: 50_payments/record_payment_event.sql sha256:7136df7d7016d0e2bb8601b777eb729e1657db8633b3dc1d04c1aaf8babacfa6
-- Stores the raw bytes of an authentic event, before anything is done with them: whatever happens
-- next, nothing is lost.
--
-- Args: the id that Razorpay gave it (one that is missing or odd is replaced by the body's hash);
-- the body as it was signed, in base64; headers to keep; which secret signed it, current or
-- previous; the mode of that secret; the account that must have sent it (null: any). A second event
-- under a known id is stored under its hash, with an alert: only the body is signed, anybody can
-- put any id on it.
-- Definer: the events are private.
-- Locks: the event. Writes: payment_events, alerts.
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.record_payment_event(
  p_event_id text,
  p_body_base64 text,
  p_headers jsonb,
  p_secret_slot text,
  p_mode text,
  p_account_id text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  v_event private.payment_events;
  v_report jsonb;
begin
  v_event.body := private.read_base64(p_body_base64);
  v_event.sha256 := sha256(v_event.body);
  perform private.check_choice('secret_slot', p_secret_slot, array['current', 'previous']);
  perform private.check_choice('mode', p_mode, array['test', 'live']);
  v_event.event_id := case
    when p_event_id ~ '^[A-Za-z0-9_-]{1,100}$' then p_event_id
    else private.hash_id(v_event.sha256)
  end;
  v_report := private.peek_event(v_event.body);
  v_event.headers := coalesce(p_headers, '{}');
  v_event.secret_slot := p_secret_slot;
  v_event.mode := p_mode;
  v_event.account_id := p_account_id;
  v_event.event_type := v_report ->> 'event_type';
  v_event.razorpay_order_id := v_report ->> 'razorpay_order_id';
  v_event := private.store_event(v_event);
  return jsonb_build_object(
    'event_row_id', v_event.id,
    'duplicate', v_event.deliveries > 1,
    'event_type', v_event.event_type,
    'razorpay_order_id', v_event.razorpay_order_id
  );
end;
$$;

-- RPC: service only; stores an event; returns `{event_row_id, duplicate, event_type,
-- razorpay_order_id}`.
create or replace function public.record_payment_event(
  event_id text,
  body_base64 text,
  headers jsonb default '{}',
  secret_slot text default 'current',
  mode text default 'test',
  account_id text default null
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.record_payment_event(
    event_id, body_base64, headers, secret_slot, mode, account_id
  );
$$;

revoke all on function private.record_payment_event(text, text, jsonb, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function private.record_payment_event(text, text, jsonb, text, text, text)
to service_role;
revoke all on function public.record_payment_event(text, text, jsonb, text, text, text)
from public, anon, authenticated, service_role;
grant execute on function public.record_payment_event(text, text, jsonb, text, text, text)
to service_role;

-- source: 50_payments/record_refund_result.sql sha256:4faa34beb8db364dbba527428211f862c6b92eae88269c5949cea006d28e00ae
-- Takes Razorpay's answer to a refund that was sent or asked about.
--
-- Args: our request; Razorpay's refund; or what went wrong, `{"kind": "refused" or "unavailable",
-- "reason"}`: a refusal is told to the deal and to operators, all else is only tried again.
-- Definer: the books are private.
-- Locks: the conversation, then the request. Writes: what private.take_refund, private.fail_refund
-- and private.conclude write.
-- Errors: INPUT_INVALID (422) for a request that is not there.
create or replace function private.record_refund_result(
  p_refund_id uuid,
  p_entity jsonb,
  p_error jsonb
)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
declare
  c_failed constant text := 'The refund failed at the bank.';
  v_request private.refunds;
  v_order private.payment_orders;
  v_told private.payment_refunds;
  v_reason constant text := coalesce(p_error ->> 'reason', p_error #>> '{}');
begin
  select r.* into v_request from private.refunds as r where r.id = p_refund_id;
  if not found then
    perform private.raise_input_invalid('refund_id', 'known', 'There is no such refund.');
  end if;
  perform private.lock_conversation(v_request.conversation_id, null);
  select r.* into v_request from private.refunds as r where r.id = p_refund_id for update;
  select o.* into v_order
  from private.payments as p
  join private.payment_orders as o on o.id = p.payment_order_id
  where p.payment_id = v_request.payment_id;
  if p_entity is null then
    if v_request.status <> 'requested' then
      return jsonb_build_object('outcome', 'noop');
    end if;
    if coalesce(p_error ->> 'kind', 'refused') <> 'refused' then
      return jsonb_build_object('outcome', 'try_later');
    end if;
    perform private.fail_refund(v_request, v_reason);
    perform private.conclude(
      'refund_failed', v_order, v_request.payment_id, v_request.id::text, 'refunds', null,
      jsonb_build_object(
        'request_id', v_request.id, 'amount_minor', v_request.amount_minor, 'reason', v_reason
      )
    );
    return jsonb_build_object('outcome', 'refund_failed');
  end if;
  v_told := private.match_refund(v_request, p_entity);
  if v_told.refund_id is null then
    perform private.conclude(
      'refund_mismatch', v_order, v_request.payment_id, v_request.id::text, 'refunds', null,
      jsonb_build_object('request_id', v_request.id, 'entity', p_entity - 'notes')
    );
    return jsonb_build_object('outcome', 'refund_mismatch');
  end if;
  return jsonb_build_object(
    'outcome',
    (
      private.take_refund(v_order, v_told, c_failed, 'refunds', null)
    ).outcome
  );
end;
$$;

-- RPC: service only; takes the answer to a refund; returns `{outcome}`: refund_processed,
-- refund_pending, refund_failed, refund_mismatch, try_later, noop.
create or replace function public.record_refund_result(
  refund_id uuid,
  entity jsonb default null,
  error jsonb default null
)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.record_refund_result(refund_id, entity, error);
$$;

revoke all on function private.record_refund_result(uuid, jsonb, jsonb)
from public, anon, authenticated, service_role;
grant execute on function private.record_refund_result(uuid, jsonb, jsonb) to service_role;
revoke all on function public.record_refund_result(uuid, jsonb, jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.record_refund_result(uuid, jsonb, jsonb) to service_role;

-- source: 50_payments/replay_payment_event.sql sha256:b6b0da9f4b3f9a12cf4a2fed17dd3d4f6804cab7afcb045856ec720ac42edde7
-- Has an event processed that was set aside, or that nobody came back to; after its cause is
-- mended.
--
-- Definer: the events are private.
-- Locks, writes: as private.process_payment_event.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for a row that is not there.
create or replace function private.replay_payment_event(p_event_row_id bigint)
returns jsonb
language plpgsql
security definer
set search_path = ''
set lock_timeout = '1500ms'
as $$
begin
  perform private.require_operator();
  return private.process_payment_event(
    p_event_row_id, 'operator:' || coalesce(auth.uid()::text, 'service')
  );
end;
$$;

-- RPC: operators have an event processed again; returns what process_payment_event returns.
create or replace function public.replay_payment_event(event_row_id bigint)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.replay_payment_event(event_row_id);
$$;

revoke all on function private.replay_payment_event(bigint)
from public, anon, authenticated, service_role;
grant execute on function private.replay_payment_event(bigint) to authenticated, service_role;
revoke all on function public.replay_payment_event(bigint)
from public, anon, authenticated, service_role;
grant execute on function public.replay_payment_event(bigint) to authenticated, service_role;

-- source: 50_payments/require_paise.sql sha256:8188184008f1879c87f16a34c13269821e0a9bb0da78e15f61f442fd3d9d828a
-- As private.read_paise, where there must be an amount, and more than none.
--
-- Errors: 22023.
create or replace function private.require_paise(p_value jsonb)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_amount constant bigint := private.read_paise(p_value);
begin
  if v_amount > 0 then
    return v_amount;
  end if;
  raise exception 'an amount is missing' using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.require_paise(jsonb) from public, anon, authenticated, service_role;

-- source: 50_payments/require_provider_id.sql sha256:21ad0d7ce65b68da229ded48a600aa5662b9a15a5a29119611c0f6dda2b43c8e
-- As private.read_provider_id, where there must be one.
--
-- Errors: 22023.
create or replace function private.require_provider_id(p_value jsonb, p_prefix text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_id constant text := private.read_provider_id(p_value, p_prefix);
begin
  if v_id is null then
    raise exception 'an id that begins with % is missing', p_prefix
      using errcode = 'invalid_parameter_value';
  end if;
  return v_id;
end;
$$;

revoke all on function private.require_provider_id(jsonb, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/resolve_alert.sql sha256:1b3b80361b52bcb2dfc44a5f6470b60906f9c4ee90222732f555d3a74353f121
-- Takes an alert off the list. The same cause again makes a new one.
--
-- Definer: alerts are private.
-- Writes: alerts.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for an alert that is not open, or a note of more
-- than 1000 characters.
create or replace function private.resolve_alert(p_alert_id bigint, p_note text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  if char_length(p_note) > 1000 then
    perform private.raise_input_invalid('note', 'max', 'A note has at most 1000 characters.');
  end if;
  update private.alerts as a
  set
    status = 'resolved', resolved_at = now(), note = p_note,
    resolved_by = (select u.id from public.users as u where u.id = auth.uid())
  where a.id = p_alert_id and a.status = 'open';
  if not found then
    perform private.raise_input_invalid('alert_id', 'open', 'There is no such open alert.');
  end if;
  return jsonb_build_object('id', p_alert_id, 'status', 'resolved');
end;
$$;

-- RPC: operators resolve an alert; returns `{id, status}`.
create or replace function public.resolve_alert(alert_id bigint, note text default null)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.resolve_alert(alert_id, note);
$$;

revoke all on function private.resolve_alert(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function private.resolve_alert(bigint, text) to authenticated, service_role;
revoke all on function public.resolve_alert(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function public.resolve_alert(bigint, text) to authenticated, service_role;

-- source: 50_payments/retire_order.sql sha256:fd6888546d0d15968c47b6052692df1ff91e226b1b9b0b8edc143f6a2c3a2c6e
-- Ends an order that cannot be paid any more: Razorpay takes no second payment on it. The next
-- press on Pay makes a new one.
--
-- Locks: the conversation's row must be locked already.
-- Writes: payment_orders, and what private.show_payment_order writes.
create or replace function private.retire_order(p_order private.payment_orders)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  update private.payment_orders as o
  set status = 'superseded', updated_at = clock_timestamp()
  where o.id = p_order.id and o.status = 'open';
  if found then
    perform private.show_payment_order(p_order.conversation_id, null, null);
  end if;
end;
$$;

revoke all on function private.retire_order(private.payment_orders)
from public, anon, authenticated, service_role;

-- source: 50_payments/scrub_payment_events.sql sha256:dda7ab833fdbcffbd9b185714b8ad52420e1124a6f3ccf3ec13f6099552cada9
-- Empties the raw bodies of old events, which hold names, addresses and card details; what was read
-- from them stays.
--
-- Args: how many at most.
-- Definer: the events are private.
-- Writes: payment_events.
-- Errors: FORBIDDEN (403).
create or replace function private.scrub_payment_events(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_kept constant interval := interval '180 days';
  v_count integer;
begin
  perform private.require_operator();
  update private.payment_events as e
  set body = null
  where e.id in (
    select old.id
    from private.payment_events as old
    where old.body is not null and old.received_at < now() - c_kept and old.status <> 'received'
    order by old.received_at
    limit private.clamp_page_size(p_max_rows, 100, 1000)
    for update skip locked
  );
  get diagnostics v_count = row_count;
  return jsonb_build_object('scrubbed', v_count);
end;
$$;

-- RPC: operators scrub bodies older than 180 days; returns `{scrubbed}`.
create or replace function public.scrub_payment_events(max_rows integer default 100)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.scrub_payment_events(max_rows);
$$;

revoke all on function private.scrub_payment_events(integer)
from public, anon, authenticated, service_role;
grant execute on function private.scrub_payment_events(integer) to authenticated, service_role;
revoke all on function public.scrub_payment_events(integer)
from public, anon, authenticated, service_role;
grant execute on function public.scrub_payment_events(integer) to authenticated, service_role;

-- source: 50_payments/seconds_since.sql sha256:95620e00470e6053342f0907376bbb0623c9baf10be1fabbeadfa30a080d0db1
-- Whole seconds since then; 0 where there is no then.
create or replace function private.seconds_since(p_then timestamptz)
returns bigint
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return coalesce(floor(extract(epoch from now() - p_then)), 0);
end;
$$;

revoke all on function private.seconds_since(timestamptz)
from public, anon, authenticated, service_role;

-- source: 50_payments/settle_bounce.sql sha256:9dc4487ceb2113e24549a517ef3bf99d3150ed9e0b1fc239daf9faf707e02181
-- A payment that no deal waited for is back with its payer, and leaves the books.
--
-- Args: the request, its conversation locked; the proof: Razorpay's refund, or an operator's words.
-- Writes: refunds, escrow_ledger.
create or replace function private.settle_bounce(p_request private.refunds, p_reference text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  update private.refunds as r
  set status = 'processed', reference = p_reference, processed_at = clock_timestamp()
  where r.id = p_request.id;
  insert into private.escrow_ledger (
    conversation_id, from_account, to_account, amount_minor, currency, version, payment_id,
    created_at
  )
  select
    c.id, 'bounced', 'returned', p_request.amount_minor, p_request.currency, c.version,
    p_request.payment_id, clock_timestamp()
  from public.conversations as c
  where c.id = p_request.conversation_id;
end;
$$;

revoke all on function private.settle_bounce(private.refunds, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/settle_order.sql sha256:20fabdf00f9f3008302e893a1f3b7d235448a62d525fffaf2ef424489fb025fc
-- Decides about all money that came in for an order and is in no book yet: the one way from a
-- payment to a deal, for webhooks and polls alike.
--
-- Args: the order, locked with its conversation; the order as Razorpay told of it; who acts; the
-- event.
-- Returns the gravest verdict; noop when there was nothing to decide.
-- Writes: what private.run_deadlines and private.settle_payment write.
create or replace function private.settle_order(
  p_order private.payment_orders,
  p_told private.provider_order,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_payment private.payments;
  v_order private.payment_orders := p_order;
  v_next private.payment_verdict;
  v_verdict private.payment_verdict;
begin
  for v_payment in
    select p.*
    from private.payments as p
    where p.payment_order_id = p_order.id
      and p.captured_at is not null
      and not exists (
        select from private.escrow_ledger as e
        where e.from_account = 'gateway' and e.payment_id = p.payment_id
      )
    -- What went back already must not end the order before what pays it.
    order by p.refunded_minor >= p.amount_minor, p.captured_at, p.payment_id
  loop
    v_next := private.settle_payment(
      private.run_deadlines(
        private.lock_conversation(p_order.conversation_id, null), p_is_trial => false
      ),
      v_order, v_payment, p_told, p_actor, p_event_row_id
    );
    if v_verdict.outcome is null or v_verdict.outcome in ('noop', 'applied') then
      v_verdict := v_next;
    end if;
    select o.* into v_order from private.payment_orders as o where o.id = p_order.id;
  end loop;
  return coalesce(
    v_verdict,
    private.conclude('noop', p_order, null, null, p_actor, p_event_row_id, '{}')
  );
end;
$$;

revoke all on function private.settle_order(
  private.payment_orders, private.provider_order, text, bigint
) from public, anon, authenticated, service_role;

-- source: 50_payments/settle_payment.sql sha256:85420e1c6a9bb773e5d95e733e5367176ba1a134e9d7c9a023bc99cf6891557d
-- Books one payment whose money came in and is in no book yet: the deal moves on, or the money goes
-- back.
--
-- Args: the conversation, locked, with nothing due; the order, locked; the payment; the order as
-- Razorpay told of it; who acts; the event.
-- Returns the verdict.
-- Writes: what private.tell_deal, private.retire_order and private.conclude write.
create or replace function private.settle_payment(
  p_conversation public.conversations,
  p_order private.payment_orders,
  p_payment private.payments,
  p_told private.provider_order,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_left constant bigint := p_payment.amount_minor - p_payment.refunded_minor;
  v_outcome text;
  v_fact text := 'payment_captured';
  v_refusal text;
begin
  -- What was ordered before the project went live, or back, pays for nothing any more.
  if p_order.mode <> private.get_setting('payment_mode') #>> '{}' then
    return private.conclude(
      'mode_mismatch', p_order, p_payment.payment_id, p_payment.payment_id, p_actor,
      p_event_row_id, jsonb_build_object('mode', p_order.mode)
    );
  end if;
  if v_left <= 0 then
    perform private.retire_order(p_order);
    return private.conclude(
      case when p_order.status = 'open' then 'refunded_before_completion' else 'noop' end,
      p_order, p_payment.payment_id, p_payment.payment_id, p_actor, p_event_row_id,
      jsonb_build_object('amount_minor', p_payment.amount_minor)
    );
  end if;
  v_outcome := private.judge_payment(p_conversation, p_order, p_payment, p_told);
  -- Where the deal still waits for a payment, one that does not fit has a row of its own.
  if v_outcome <> 'applied' and exists (
    select from private.flow_transitions as t
    where t.flow_id = p_conversation.flow_id
      and t.from_state = p_conversation.flow_state
      and t.action = 'payment_mismatch'
  ) then
    v_fact := 'payment_mismatch';
  end if;
  v_refusal := private.tell_deal(
    p_conversation.id, v_fact,
    jsonb_build_object(
      'payment_id', p_payment.payment_id,
      'amount_minor', case when v_outcome = 'applied' then p_order.amount_minor else v_left end,
      'currency', p_payment.currency
    )
  );
  if v_refusal is not null then
    v_outcome := 'captured_out_of_flow';
  elsif v_outcome <> 'applied' then
    perform private.retire_order(p_order);
  end if;
  return private.conclude(
    v_outcome, p_order, p_payment.payment_id, p_payment.payment_id, p_actor, p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'amount_minor', p_payment.amount_minor, 'currency', p_payment.currency,
      'asked_minor', p_order.amount_minor, 'refunded_minor', p_payment.refunded_minor,
      'fee_minor', p_payment.fee_minor, 'flow_state', p_conversation.flow_state,
      'refusal', v_refusal
    ))
  );
end;
$$;

revoke all on function private.settle_payment(
  public.conversations, private.payment_orders, private.payments, private.provider_order, text,
  bigint
) from public, anon, authenticated, service_role;

-- source: 50_payments/settle_refund.sql sha256:d864bfbb357f8499e5514e3a83e6e9a2460260f84e8ee8f3467bb00de81d8d6a
-- A refund that we asked for has gone through: a deal's ends the deal, a bounced payment leaves the
-- books.
--
-- Args: the request, locked with its conversation; Razorpay's refund.
-- Locks: the conversation. Writes: refunds, and what private.tell_deal or private.settle_bounce
-- write.
-- Errors: P0001 when the deal does not wait for it; then an operator has to look.
create or replace function private.settle_refund(p_request private.refunds, p_refund_id text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_refusal text;
begin
  update private.refunds as r
  set razorpay_refund_id = p_refund_id, failure = null
  where r.id = p_request.id;
  if p_request.kind = 'deal' then
    v_refusal := private.tell_deal(
      p_request.conversation_id, 'refund_processed', jsonb_build_object('reference', p_refund_id)
    );
    if v_refusal is not null then
      raise exception 'refund %: the deal answers %', p_refund_id, v_refusal;
    end if;
    return;
  end if;
  perform private.settle_bounce(p_request, p_refund_id);
end;
$$;

revoke all on function private.settle_refund(private.refunds, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/show_payment_order.sql sha256:7a4a1e18baaa0c668bd4367b967034f0a1623fd358c82eec317ba957b97a08e4
-- Puts an order, as it is now, where the brand owner finds it: in the deal's data and in the action
-- message that is open. A retired one (p_order null) is taken away.
--
-- Args: the conversation, locked; the order; what only the brand owner may see of the checkout.
-- Writes: conversations, messages, participants.
create or replace function private.show_payment_order(
  p_conversation_id uuid,
  p_order private.payment_orders,
  p_checkout jsonb
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_shown constant jsonb := private.payment_order_json(p_order);
begin
  update public.conversations as c
  set flow_data = case
    when p_order.id is null then c.flow_data - 'payment_order'
    else c.flow_data || jsonb_build_object('payment_order', v_shown)
  end
  where c.id = p_conversation_id and c.flow_data ? 'payment_order';
  update public.messages as m
  set
    action_data = case
      when p_order.id is null then m.action_data - 'payment_order'
      else m.action_data || jsonb_build_object(
        'payment_order', case
          when p_checkout is null then v_shown
          else v_shown || jsonb_build_object('razorpay_config', p_checkout)
        end
      )
    end,
    updated_at = clock_timestamp()
  where m.conversation_id = p_conversation_id
    and m.action_required
    and not m.action_completed
    and m.visible_to <> 'all'
    and m.action_data ? 'payment_order';
  -- No step of the flow, so the conversation's own version stays: tell clients by their own.
  update private.participants as p
  set version = p.version + 1
  where p.conversation_id = p_conversation_id;
end;
$$;

revoke all on function private.show_payment_order(uuid, private.payment_orders, jsonb)
from public, anon, authenticated, service_role;

-- source: 50_payments/store_event.sql sha256:31146a8be7a6b090e96840a2b2cb74bf55bfbdfd9b2569942d683600c92fb89f
-- Stores an event, or counts one more delivery of it.
--
-- Returns the row; deliveries is 1 for a new one. The same id with another body is another event.
-- Writes: payment_events, alerts.
create or replace function private.store_event(p_event private.payment_events)
returns private.payment_events
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_event private.payment_events := p_event;
  v_stored private.payment_events;
begin
  loop
    insert into private.payment_events as e (
      event_id, sha256, body, headers, secret_slot, mode, account_id, event_type,
      razorpay_order_id
    )
    values (
      v_event.event_id, v_event.sha256, v_event.body, v_event.headers, v_event.secret_slot,
      v_event.mode, v_event.account_id, v_event.event_type, v_event.razorpay_order_id
    )
    on conflict (source, event_id) do update
    set deliveries = e.deliveries + 1
    where e.sha256 = excluded.sha256
    returning e.* into v_stored;
    exit when found;
    v_event.event_id := private.hash_id(v_event.sha256);
  end loop;
  if v_event.event_id <> p_event.event_id then
    perform private.conclude(
      'event_id_reused', null, null, p_event.event_id, 'webhook', v_stored.id,
      jsonb_build_object('event_id', p_event.event_id)
    );
  end if;
  return v_stored;
end;
$$;

revoke all on function private.store_event(private.payment_events)
from public, anon, authenticated, service_role;

-- source: 50_payments/take_dispute.sql sha256:abfff907360c342739a3289a8f71a595e53d7cf8e7198adeb860ca4b9daee7f5
-- Takes what Razorpay says about a dispute of the payer's bank: keeps it, tells the deal, and puts
-- it on the operators' list.
--
-- Args: our order, locked with its conversation; the dispute as it was told; who acts; the event.
-- Returns the verdict.
-- Writes: payment_disputes, and what private.tell_dispute and private.conclude write.
create or replace function private.take_dispute(
  p_order private.payment_orders,
  p_told private.payment_disputes,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_dispute private.payment_disputes;
begin
  insert into private.payment_disputes as d (
    dispute_id, payment_id, amount_minor, currency, status, phase, reason_code, respond_by
  )
  values (
    p_told.dispute_id, p_told.payment_id, p_told.amount_minor, p_told.currency, p_told.status,
    p_told.phase, p_told.reason_code, p_told.respond_by
  )
  on conflict (dispute_id) do update
  set
    status = case
      when private.dispute_rank(excluded.status) > private.dispute_rank(d.status)
        then excluded.status
      else d.status
    end,
    phase = excluded.phase,
    respond_by = coalesce(excluded.respond_by, d.respond_by),
    updated_at = clock_timestamp()
  returning d.* into v_dispute;

  perform private.tell_dispute(v_dispute, p_order.conversation_id);
  return private.conclude(
    'dispute_recorded', p_order, v_dispute.payment_id, v_dispute.dispute_id, p_actor,
    p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'dispute_id', v_dispute.dispute_id, 'status', v_dispute.status, 'phase', v_dispute.phase,
      'reason_code', v_dispute.reason_code, 'amount_minor', v_dispute.amount_minor,
      'respond_by', v_dispute.respond_by
    ))
  );
end;
$$;

revoke all on function private.take_dispute(
  private.payment_orders, private.payment_disputes, text, bigint
) from public, anon, authenticated, service_role;

-- source: 50_payments/take_event.sql sha256:52d2180d33746fba5ff51d36d55287f46cff9ae671a271662626cb87eafa9071
-- Finds out what a stored event says and whom it is about, and acts on it.
--
-- Args: the event, locked; who acts.
-- Returns the verdict.
-- Locks: the conversation, then the order. Writes: what private.find_payment_order,
-- private.take_report and private.conclude write.
create or replace function private.take_event(p_event private.payment_events, p_actor text)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_report private.payment_report;
  v_order private.payment_orders;
  v_outcome text;
  v_subject text := p_event.id::text;
  v_error text;
begin
  begin
    v_report := private.read_report(p_event.body);
  exception
    when data_exception or program_limit_exceeded then
      v_outcome := 'malformed';
      v_error := left(sqlstate || ': ' || sqlerrm, 200);
  end;
  if v_outcome is null then
    if not private.is_used_event(v_report.event_type) then
      v_outcome := 'ignored_event_type';
    elsif v_report.account_id <> p_event.account_id then
      v_outcome := 'foreign_account';
      v_subject := v_report.account_id;
    end if;
  end if;
  if v_outcome is null then
    v_order := private.find_payment_order(
      coalesce(
        v_report.razorpay_order_id,
        -- Of a refund or dispute the payment may be all that is named.
        (
          select o.razorpay_order_id
          from private.payments as p
          join private.payment_orders as o on o.id = p.payment_order_id
          where p.payment_id = (v_report.payment).payment_id
        )
      ),
      v_report.provider_order, p_event.mode
    );
    if v_order.id is null then
      v_outcome := 'unknown_order';
      v_subject := coalesce(v_report.razorpay_order_id, 'none');
    elsif v_order.mode <> p_event.mode then
      v_outcome := 'mode_mismatch';
      v_subject := v_order.razorpay_order_id;
    end if;
  end if;
  if v_outcome is null then
    return private.take_report(v_order, v_report, p_actor, p_event.id);
  end if;
  return private.conclude(
    v_outcome, v_order, (v_report.payment).payment_id, v_subject, p_actor, p_event.id,
    jsonb_strip_nulls(jsonb_build_object(
      'event_type', v_report.event_type, 'razorpay_order_id', v_report.razorpay_order_id,
      'account_id', v_report.account_id, 'mode', p_event.mode, 'error', v_error
    ))
  );
end;
$$;

revoke all on function private.take_event(private.payment_events, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/take_refund.sql sha256:843ade957e35948db24eeb2ef251f5040217df7275f98a7e6b17f45cc55cb512
-- Takes what Razorpay says about a refund: one that we asked for goes on, any other is only noted.
-- No refund moves a deal that did not ask for it.
--
-- Args: our order, locked with its conversation; the refund as it was told; why it failed, where
-- that was told; who acts; the event.
-- Returns the verdict.
-- Writes: refunds, and what private.merge_refund, private.settle_refund, private.fail_refund,
-- private.end_bounce and private.conclude write.
create or replace function private.take_refund(
  p_order private.payment_orders,
  p_told private.payment_refunds,
  p_reason text,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_request constant private.refunds := private.find_refund_request(p_told);
  v_payment private.payments;
  v_outcome text := 'noop';
begin
  if private.merge_refund(p_told, v_request.id) then
    select p.* into v_payment from private.payments as p where p.payment_id = p_told.payment_id;
    v_outcome := case
      when p_told.status = 'failed' then 'refund_failed'
      when v_request.id is null then private.judge_refund(v_payment)
      when (v_request.amount_minor, v_request.currency) <> (p_told.amount_minor, p_told.currency)
        then 'refund_mismatch'
      -- Sent, and done by hand as well.
      when v_request.status <> 'requested' then 'refund_recorded'
      when p_told.status = 'processed' then 'refund_processed'
      else 'refund_pending'
    end;
    case v_outcome
      when 'refund_processed' then
        perform private.settle_refund(v_request, p_told.refund_id);
      when 'refund_pending' then
        update private.refunds as r
        set razorpay_refund_id = p_told.refund_id, failure = null
        where r.id = v_request.id;
      when 'refund_failed' then
        if v_request.status = 'requested' then
          perform private.fail_refund(v_request, p_reason);
        end if;
      else
        perform private.end_bounce(v_payment, p_told.refund_id);
    end case;
  end if;
  return private.conclude(
    v_outcome, p_order, p_told.payment_id, p_told.refund_id, p_actor, p_event_row_id,
    jsonb_strip_nulls(jsonb_build_object(
      'refund_id', p_told.refund_id, 'amount_minor', p_told.amount_minor,
      'status', p_told.status, 'request_id', v_request.id,
      'reason', case when p_told.status = 'failed' then p_reason end
    ))
  );
end;
$$;

revoke all on function private.take_refund(
  private.payment_orders, private.payment_refunds, text, text, bigint
) from public, anon, authenticated, service_role;

-- source: 50_payments/take_refund_requests.sql sha256:f4831b6675e800ea447c0b289a12d0b921564b90cf5b1ac3bff4fa8fdf0f5af8
-- Hands out money that is to go back, to be sent or asked about. Each comes again after 20 seconds,
-- then 40 and so on up to an hour, until it is known to have gone through.
--
-- The key makes a repeat harmless; one whose refund failed at Razorpay gets a new key, because the
-- old one would only be answered with that failure again.
-- What the payer's bank disputes waits: it must not go back twice. Where it was tried before that,
-- it is handed out only to be looked for. For an operator's own call the pause is 20 seconds.
-- Definer: the books are private.
-- Locks, writes: the rows of refunds that it takes; those that another session holds are passed
-- over.
-- Errors: FORBIDDEN (403).
-- Source of the key: https://razorpay.com/docs/api/refunds/create-normal, X-Refund-Idempotency.
create or replace function private.take_refund_requests(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_pause constant interval := interval '20 seconds';
  v_requests jsonb;
begin
  perform private.require_operator();
  with taken as (
    update private.refunds as r
    set
      tries = r.tries + 1,
      tried_at = now(),
      next_try_at = now() + least(
        c_pause * 2 ^ least(r.tries, 20), interval '1 hour'
      )
    where r.id in (
      select due.id
      from private.refunds as due
      where due.status = 'requested'
        and (
          due.next_try_at <= now()
          -- Whoever presses the button has mended something.
          or auth.uid() is not null and due.tried_at < now() - c_pause
        )
        and (
          due.tries > 0
          or due.razorpay_refund_id is not null
          or not private.is_disputed(due.payment_id)
        )
      order by due.next_try_at, due.requested_at
      limit private.clamp_page_size(p_max_rows, 5, 50)
      for update skip locked
    )
    returning r.*
  )
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'refund_id', taken.id,
        'conversation_id', taken.conversation_id,
        'payment_id', taken.payment_id,
        'amount_minor', taken.amount_minor,
        'currency', taken.currency,
        'mode', o.mode,
        'tries', taken.tries,
        'may_be_sent', not private.is_disputed(taken.payment_id),
        'idempotency_key', format('refund-%s-%s', taken.id, failed.count + 1),
        'razorpay_refund_id', taken.razorpay_refund_id,
        'receipt', taken.id,
        'notes', jsonb_build_object('reason', taken.reason, 'kind', taken.kind)
      )
      order by taken.requested_at
    ),
    '[]'
  )
  into v_requests
  from taken
  left join private.payments as p on p.payment_id = taken.payment_id
  left join private.payment_orders as o on o.id = p.payment_order_id
  cross join lateral (
    select count(*) as count
    from private.payment_refunds as k
    where k.request_id = taken.id and k.status = 'failed'
  ) as failed;
  return v_requests;
end;
$$;

-- RPC: service and operators; refunds to be sent, as `[{refund_id, conversation_id, payment_id,
-- amount_minor, currency, mode, tries, may_be_sent, idempotency_key, razorpay_refund_id, receipt,
-- notes}]`; tries counts this one; one that may not be sent is only to be looked for.
create or replace function public.take_refund_requests(max_rows integer default 5)
returns jsonb
language sql
security invoker
set search_path = ''
as $$
  select private.take_refund_requests(max_rows);
$$;

revoke all on function private.take_refund_requests(integer)
from public, anon, authenticated, service_role;
grant execute on function private.take_refund_requests(integer) to authenticated, service_role;
revoke all on function public.take_refund_requests(integer)
from public, anon, authenticated, service_role;
grant execute on function public.take_refund_requests(integer) to authenticated, service_role;

-- source: 50_payments/take_report.sql sha256:b1131d24431e9d41b5a6381c74fd4dfa9f92dd90f5c982b9f0b9683223a369f0
-- Takes what an event says about an order of ours: keeps the facts, then decides.
--
-- Args: the order, locked with its conversation; the report; who acts; the event.
-- Returns the verdict.
-- Writes: what private.merge_payment, private.tell_failure, private.settle_order,
-- private.take_refund and private.take_dispute write.
create or replace function private.take_report(
  p_order private.payment_orders,
  p_report private.payment_report,
  p_actor text,
  p_event_row_id bigint
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_payment constant private.payments := p_report.payment;
  v_settled private.payment_verdict;
  v_verdict private.payment_verdict;
begin
  if private.merge_payment(p_order.id, v_payment) then
    perform private.tell_failure(p_order, v_payment);
  end if;
  -- Before money is sent back below: what was given back already answers no such request.
  if (p_report.refund).refund_id is not null then
    v_verdict := private.take_refund(
      p_order, p_report.refund, v_payment.error_reason, p_actor, p_event_row_id
    );
  end if;
  v_settled := private.settle_order(
    p_order, p_report.provider_order, p_actor, p_event_row_id
  );
  -- After it: a bank disputes money that is held.
  if (p_report.dispute).dispute_id is not null then
    v_verdict := private.take_dispute(p_order, p_report.dispute, p_actor, p_event_row_id);
  end if;
  return case
    when v_verdict.outcome is null or v_settled.outcome <> 'noop' then v_settled
    else v_verdict
  end;
end;
$$;

revoke all on function private.take_report(
  private.payment_orders, private.payment_report, text, bigint
) from public, anon, authenticated, service_role;

-- source: 50_payments/take_snapshot.sql sha256:c35c0b466094ebc2395fb7958407940f15b444f3e1dff76a798b209f6284f922
-- Keeps what Razorpay answered about an order, and decides.
--
-- Args: the order, locked with its conversation; Razorpay's order and payments; who asked; in which
-- mode.
-- Returns the verdict.
-- Writes: payment_orders, and what private.merge_payment, private.tell_failure,
-- private.settle_order and private.conclude write.
create or replace function private.take_snapshot(
  p_order private.payment_orders,
  p_order_entity jsonb,
  p_payments jsonb,
  p_actor text,
  p_mode text
)
returns private.payment_verdict
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_order private.payment_orders := p_order;
  v_told private.provider_order;
  v_entity jsonb;
  v_payments private.payments[] := array[]::private.payments[];
  v_payment private.payments;
  v_error text;
begin
  begin
    v_told := private.read_order(p_order_entity);
    for v_entity in
      select told.entity
      from jsonb_array_elements(
        case jsonb_typeof(p_payments)
          when 'array' then p_payments
          when 'object' then p_payments -> 'items'
          else '[]'
        end
      ) as told (entity)
    loop
      if v_entity ->> 'order_id' is distinct from v_told.razorpay_order_id then
        v_error := 'a payment of another order';
      end if;
      v_payments := v_payments || private.read_payment(v_entity);
    end loop;
  exception
    when data_exception then
      v_error := left(sqlstate || ': ' || sqlerrm, 200);
  end;
  if v_error is not null then
    return private.conclude(
      'malformed', v_order, null, v_order.id::text, p_actor, null,
      jsonb_build_object('error', v_error)
    );
  end if;
  if v_order.mode <> p_mode then
    return private.conclude(
      'mode_mismatch', v_order, null, v_order.id::text, p_actor, null,
      jsonb_build_object('mode', p_mode)
    );
  end if;
  if v_told.razorpay_order_id is null then
    return private.conclude('noop', v_order, null, null, p_actor, null, '{}');
  end if;
  if v_told.razorpay_order_id <> coalesce(v_order.razorpay_order_id, v_told.razorpay_order_id)
    or v_order.razorpay_order_id is null
      and private.match_order(v_order, p_order_entity) = 'order_mismatch' then
    return private.conclude(
      'order_mismatch', v_order, null, v_order.id::text, p_actor, null,
      jsonb_build_object('told', v_told.razorpay_order_id)
    );
  end if;
  update private.payment_orders as o
  set razorpay_order_id = v_told.razorpay_order_id, updated_at = clock_timestamp()
  where o.id = v_order.id and o.razorpay_order_id is null;
  v_order.razorpay_order_id := v_told.razorpay_order_id;
  foreach v_payment in array v_payments loop
    if private.merge_payment(v_order.id, v_payment) then
      perform private.tell_failure(v_order, v_payment);
    end if;
  end loop;
  return private.settle_order(v_order, v_told, p_actor, null);
end;
$$;

revoke all on function private.take_snapshot(private.payment_orders, jsonb, jsonb, text, text)
from public, anon, authenticated, service_role;

-- source: 50_payments/tell_deal.sql sha256:238c39233eba0fd0c6e0e4e041a80522ba087578678454dd5e6fb5a3265a7d54
-- Tells a deal a fact of the payment provider; the flow alone decides what follows.
--
-- Args: the conversation; the fact, an action of the flow's system; its input.
-- Returns null when the flow took it, otherwise the code with which it did not.
-- Locks: the conversation. Writes: what private.operate writes.
create or replace function private.tell_deal(p_conversation_id uuid, p_fact text, p_input jsonb)
returns text
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_refusal text;
begin
  perform private.operate(p_conversation_id, p_fact, p_input, p_role => 'system');
  return null;
exception
  when sqlstate 'PGRST' then
    get stacked diagnostics v_refusal = message_text;
    return v_refusal::jsonb ->> 'code';
end;
$$;

revoke all on function private.tell_deal(uuid, text, jsonb)
from public, anon, authenticated, service_role;

-- source: 50_payments/tell_dispute.sql sha256:9a0d0a27526bc208a3218f015a329b9705817b310eb62585933b122b6f82ddcc
-- Tells the deal that holds disputed money what its bank does: it is frozen while the bank decides,
-- and ends when the bank has taken all that it holds, at once or in parts. Money that no deal holds
-- any more, and a part, are for a person.
--
-- Args: the dispute as it is known now; the conversation, locked.
-- Writes: payment_disputes, and what private.tell_deal writes.
create or replace function private.tell_dispute(
  p_dispute private.payment_disputes,
  p_conversation_id uuid
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_input constant jsonb := jsonb_build_object('payment_id', p_dispute.payment_id);
  v_is_open constant boolean := p_dispute.status not in ('won', 'lost', 'closed');
  v_is_lost constant boolean := p_dispute.status = 'lost' and not p_dispute.told_lost;
  v_taken constant bigint := (
    select sum(d.amount_minor) from private.payment_disputes as d
    where d.payment_id = p_dispute.payment_id and d.status = 'lost'
  );
  v_conversation public.conversations;
begin
  select c.* into v_conversation
  from public.conversations as c
  where c.id = p_conversation_id
    and exists (
      select from private.escrow_ledger as e
      where e.from_account = 'gateway'
        and e.payment_id = p_dispute.payment_id
        and e.to_account = 'held'
    );
  if not found then
    return;
  end if;
  -- That it was lost may be told first, and the deal may have gone on since it was opened.
  if (v_is_open or v_is_lost) and not p_dispute.told_opened
    or v_is_lost and v_conversation.held_minor > 0
      and v_conversation.flow_data #>> '{dispute,origin}' is distinct from 'bank' then
    perform private.tell_deal(p_conversation_id, 'bank_dispute_opened', v_input);
  end if;
  if v_is_lost and v_conversation.held_minor > 0
    and v_taken >= v_conversation.held_minor then
    perform private.tell_deal(p_conversation_id, 'bank_dispute_lost', v_input);
  end if;
  update private.payment_disputes as d
  set
    told_opened = d.told_opened or v_is_open or v_is_lost,
    told_lost = d.told_lost or v_is_lost
  where d.dispute_id = p_dispute.dispute_id;
end;
$$;

revoke all on function private.tell_dispute(private.payment_disputes, uuid)
from public, anon, authenticated, service_role;

-- source: 50_payments/tell_failure.sql sha256:a09782aae0b263c05511754507d410e2e63937719fa36a0203424e082780de8c
-- Tells a deal that an attempt to pay failed. The order stays open: banks may still say yes later.
--
-- Writes: what private.tell_deal writes.
create or replace function private.tell_failure(
  p_order private.payment_orders,
  p_payment private.payments
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.tell_deal(
    p_order.conversation_id, 'payment_failed',
    jsonb_strip_nulls(jsonb_build_object(
      'payment_id', p_payment.payment_id, 'reason', p_payment.error_reason
    ))
  );
end;
$$;

revoke all on function private.tell_failure(private.payment_orders, private.payments)
from public, anon, authenticated, service_role;

-- source: 55_cleanup/clean_up.sql sha256:6296c0b3b8dd028025758fa0200f56ad11dd75c082687e5edfb9afc4016e24bf
-- Does what is due for a user: takes the steps of deals whose time has come, flags messages that
-- have expired, empties those whose grace is over. A bounded batch at a time, at most once a
-- minute; needs no timer, since readers see what is so now anyway.
--
-- Returns `{expired, scrubbed, deadlines_run, throttled}`.
-- Locks: the user's account, then the user's conversations and messages that have something due;
-- rows that another session holds are passed over. Writes: accounts, messages, push_outbox,
-- action_results, and what private.run_due writes.
create or replace function private.clean_up(p_user_id uuid)
returns json
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_pause constant interval := interval '1 minute';
  v_account private.accounts;
  v_throttled boolean;
  v_expired integer := 0;
  v_scrubbed integer := 0;
  v_deadlines integer := 0;
begin
  v_account := private.lock_account(p_user_id);
  v_throttled := v_account.cleaned_at > now() - c_pause;
  if not v_throttled then
    v_deadlines := private.run_due(p_user_id, private.get_number('sweep_batch')::integer);
    v_expired := private.flag_expired(v_account);
    v_scrubbed := private.scrub_expired(p_user_id);
    perform private.drop_stale_pushes(p_user_id);
    perform private.drop_old_results(p_user_id);
    update private.accounts as a
    set cleaned_at = now(), last_seen_at = now()
    where a.user_id = p_user_id;
  end if;
  return json_build_object(
    'expired', v_expired, 'scrubbed', v_scrubbed, 'deadlines_run', v_deadlines,
    'throttled', v_throttled
  );
end;
$$;

revoke all on function private.clean_up(uuid) from public, anon, authenticated, service_role;

-- source: 55_cleanup/clean_up_at_sign_in.sql sha256:2e0e15fd7a1added8377b2d1c66a7dd85aff4a075622d61290e2b07b739f28ef
-- A trigger function for projects that want the cleanup at each sign-in without a call of the
-- client: docs/OPERATIONS.md says how to set the trigger on auth.sessions, and what it costs. A
-- refreshed token is no new session.
--
-- Whatever goes wrong, the sign-in goes on: also a statement timeout, which "others" alone does not
-- catch. It waits for no lock longer than 200 ms, and does no more than one cleanup.
-- Definer: Auth opens sessions as its own role, which may not write our tables.
-- Locks, writes: as private.clean_up.
create or replace function private.clean_up_at_sign_in()
returns trigger
language plpgsql
security definer
set search_path = ''
set lock_timeout = '200ms'
as $$
begin
  perform private.clean_up(new.user_id);
  return null;
exception
  when query_canceled or others then
    raise warning 'no cleanup at the sign-in of %: % %', new.user_id, sqlstate, sqlerrm;
    return null;
end;
$$;

revoke all on function private.clean_up_at_sign_in()
from public, anon, authenticated, service_role;

-- source: 55_cleanup/login_cleanup.sql sha256:40c9aac32a443ebea0654c23a1db8964229392ef0a994c3e18d100d6d92d6dc1
-- Does what is due for the caller; see private.clean_up.
--
-- Definer: clients have no write grant on any table.
-- Locks, writes: as private.clean_up.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.login_cleanup()
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  return private.clean_up(private.require_user());
end;
$$;

-- RPC: cleans up at login; returns `{expired, scrubbed, deadlines_run, throttled}`.
create or replace function public.login_cleanup()
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.login_cleanup();
$$;

revoke all on function private.login_cleanup() from public, anon, authenticated, service_role;
grant execute on function private.login_cleanup() to authenticated;
revoke all on function public.login_cleanup() from public, anon, authenticated, service_role;
grant execute on function public.login_cleanup() to authenticated;

-- source: 60_triggers/keep_payment_audit.sql sha256:c269fdc091ba3e49e1597df4a6fd718a7397f9489705f04c3ae681194926fdfb
-- Refuses to change or delete what was done about payments, whoever asks.
--
-- Errors: 23001 (restrict_violation); no RPC ever gets there.
create or replace function private.keep_payment_audit()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  raise exception 'the audit of payments is append-only: add another line'
    using errcode = 'restrict_violation';
end;
$$;

revoke all on function private.keep_payment_audit()
from public, anon, authenticated, service_role;

create or replace trigger keep_payment_audit
before update or delete or truncate on private.payment_audit
for each statement execute function private.keep_payment_audit();

-- source: 80_data/10_drafts.sql sha256:ef887357dccd4870ae4e5ae80c568871ac0e998540f03adc10469567b4066b02
-- Begins a draft of each kind's flow; the files that follow fill them, the last one publishes what
-- differs from the flow that is in use.
--
-- The rules: prices a brand owner may name in one deal; revisions that may be asked for; questions
-- about the details; days from the start of work to its delivery, and from there until the brand
-- owner may cancel; hours that a payment attempt may still come through (Razorpay's late
-- authorisation takes up to 3 days); the platform's fee in hundredths of a percent; days until a
-- single rating is shown.
insert into private.flow_definitions (kind, rules) values
  (
    'bid',
    '{
      "max_rounds": 3, "max_revisions": 3, "max_questions": 10, "delivery_days": 14,
      "overdue_grace_days": 7, "attempt_hours": 73, "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  (
    'campaign',
    '{
      "max_rounds": 3, "max_revisions": 3, "max_questions": 10, "delivery_days": 14,
      "overdue_grace_days": 7, "attempt_hours": 73, "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  ('direct', '{}');

-- source: 80_data/20_states.sql sha256:cc5c8c45453b8e0c30a7c74297a27e21ef547db2c49133afae2ef895844e8948
-- The states of the flows, in the order of a deal that goes well. For each: its time limit and what
-- the system does after it, whether free text is open, and what a block does.
insert into private.flow_states (
  flow_id, position, state, title, waiting_on, clock, lasts, deadline_action, resumes_with,
  free_text, on_block, work_status
)
select
  f.id, row_number() over (partition by f.id order by s.position), s.state, s.title,
  s.waiting_on, s.clock, s.lasts::interval, s.deadline_action, s.resumes_with::interval,
  s.free_text, s.on_block, s.work_status
from (
  values
    ('all', 1, 'initial', 'Not there yet', 'none', null, null, null, null, false, null, null),

    -- Getting to know each other
    ('deals', 2, 'influencer_responding', 'Waiting for the influencer''s answer', 'none',
      'since_entry', '7 days', 'timer_idle', null, false, 'end_conversation', null),
    ('campaign', 3, 'brand_owner_reviewing', 'Application under review', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('bid', 4, 'brand_owner_details', 'Waiting for the project details', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('bid', 5, 'influencer_reviewing', 'The influencer reviews the project', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),

    -- The price
    ('deals', 6, 'brand_owner_pricing', 'Waiting for a price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 7, 'influencer_price_response', 'The influencer considers the price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 8, 'negotiation_input', 'A price is being typed', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 9, 'brand_owner_negotiation', 'The brand owner considers the price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),
    ('deals', 10, 'influencer_final_response', 'The influencer considers the final price', 'none',
      'since_entry', '14 days', 'timer_idle', null, false, 'end_conversation', null),

    -- The money, and the work
    ('deals', 11, 'payment_pending', 'Waiting for the payment', 'none',
      'payment_window', '7 days', 'timer_payment_window', null, false, 'end_conversation', null),
    ('deals', 12, 'payment_completed', 'Paid, not started', 'none',
      'since_entry', '7 days', 'timer_start_window', null, false, null, null),
    ('deals', 13, 'work_in_progress', 'Work in progress', 'none',
      'since_payment', '75 days', 'timer_work_limit', null, false, null, 'in_progress'),
    ('deals', 14, 'work_submitted', 'Work under review', 'none',
      'since_entry', '7 days', 'timer_review_window', '72 hours', false, null, 'submitted'),
    ('deals', 15, 'work_approved', 'Work approved', 'none',
      null, null, null, null, false, null, 'approved'),

    -- When it does not go well
    ('deals', 16, 'cancellation_requested', 'A cancellation was asked for', 'none',
      'since_entry', '72 hours', 'timer_cancellation', null, false, null, null),
    ('deals', 17, 'disputed', 'An operator decides', 'admin',
      'since_entry', '60 days', 'timer_dispute', null, false, null, 'disputed'),
    ('deals', 18, 'refund_pending', 'The refund is on its way', 'provider',
      null, null, null, null, false, null, 'cancelled'),

    -- Talking freely, and the end
    ('deals', 19, 'real_time', 'Free chat', 'none',
      null, null, null, null, true, 'close_conversation', null),
    ('direct', 19, 'real_time', 'Free chat', 'none', null, null, null, null, true, null, null),
    ('all', 20, 'chat_closed', 'Closed', 'none', null, null, null, null, false, null, null)
) as s (
  kinds, position, state, title, waiting_on, clock, lasts, deadline_action, resumes_with,
  free_text, on_block, work_status
)
cross join lateral private.draft_flows(s.kinds) as f (id);

-- source: 80_data/30_transitions.sql sha256:b00164d70f1d5e8144dd40a9538b67bc5b90f7080892d2fa77e6e294c843f386
-- The moves between the states: who may do what where, under which guards, where it leads, who is
-- awaited then, and its effects. A row for several states or roles stands for one of each; without
-- a next state it stays where it is.
insert into private.flow_transitions (
  flow_id, name, position, from_state, role, action, guards, to_state, awaiting, effects, reason,
  follow_up
)
select
  f.id, t.name,
  -- T12 before T117 before T117b
  substring(t.name from '[0-9]+')::integer * 10 + position(right(t.name, 1) in 'abc'),
  state.name, role.name, t.action, t.guards::text[], coalesce(t.to_state, state.name), t.awaiting,
  t.effects::text[], t.reason, t.follow_up
from (
  values
    -- Creation
    ('bid', 'T01', 'initial', 'brand_owner', 'connect_bid',
      '{}', 'influencer_responding', 'influencer', '{}', null, null),
    ('campaign', 'T02', 'initial', 'influencer', 'apply_to_campaign',
      '{}', 'brand_owner_reviewing', 'brand_owner', '{}', null, null),
    ('campaign', 'T03', 'initial', 'brand_owner', 'invite_to_campaign',
      '{}', 'influencer_responding', 'influencer', '{}', null, null),
    ('direct', 'T04', 'initial', 'member', 'direct_connect',
      '{}', 'real_time', null, '{}', null, null),

    -- Connection and application
    ('bid', 'T10', 'influencer_responding', 'influencer', 'accept_connection',
      '{}', 'brand_owner_details', 'brand_owner', '{}', null, null),
    ('campaign', 'T11', 'influencer_responding', 'influencer', 'accept_connection',
      '{}', 'brand_owner_pricing', 'brand_owner', '{}', null, null),
    ('deals', 'T12', 'influencer_responding', 'influencer', 'reject_connection',
      '{}', 'chat_closed', null, '{close}', 'connection_rejected', null),
    ('campaign', 'T20', 'brand_owner_reviewing', 'brand_owner', 'accept_application',
      '{}', 'brand_owner_pricing', 'brand_owner', '{accept_request}', null, null),
    ('campaign', 'T21', 'brand_owner_reviewing', 'brand_owner', 'accept_application_at_quote',
      '{has_quote,quote_matches}', 'payment_pending', 'brand_owner',
      '{accept_request,agree_on_quote}', null, null),
    ('campaign', 'T22', 'brand_owner_reviewing', 'brand_owner', 'reject_application',
      '{}', 'chat_closed', null, '{reject_request,close}', 'application_rejected', null),

    -- Project details
    ('bid', 'T30', 'brand_owner_details', 'brand_owner', 'send_project_details',
      '{}', 'influencer_reviewing', 'influencer', '{keep_details}', null, null),
    ('bid', 'T40', 'influencer_reviewing', 'influencer', 'accept_project',
      '{}', 'brand_owner_pricing', 'brand_owner', '{}', null, null),
    ('bid', 'T41', 'influencer_reviewing', 'influencer', 'request_details_change',
      '{has_question_left}', 'brand_owner_details', 'brand_owner', '{count_question}', null, null),
    ('bid', 'T42', 'influencer_reviewing', 'influencer', 'reject_project',
      '{}', 'chat_closed', null, '{close}', 'project_rejected', null),

    -- Price and negotiation
    ('deals', 'T50', 'brand_owner_pricing', 'brand_owner', 'send_price_offer',
      '{}', 'influencer_price_response', 'influencer', '{make_offer}', null, null),
    ('deals', 'T60', 'influencer_price_response', 'influencer', 'accept_price',
      '{offer_matches}', 'payment_pending', 'brand_owner', '{agree_on_offer}', null, null),
    ('deals', 'T61', 'influencer_price_response', 'influencer', 'negotiate_price',
      '{}', 'negotiation_input', 'influencer', '{}', null, 'submit_counter'),
    ('deals', 'T63', 'influencer_price_response', 'influencer', 'reject_price',
      '{}', 'brand_owner_negotiation', 'brand_owner', '{}', null, null),
    ('deals', 'T65', 'negotiation_input', 'influencer', 'submit_counter',
      '{is_awaited}', 'brand_owner_negotiation', 'brand_owner', '{make_counter}', null, null),
    ('deals', 'T66', 'negotiation_input', 'influencer', 'back',
      '{is_awaited}', 'influencer_price_response', 'influencer', '{}', null, null),
    ('deals', 'T67', 'negotiation_input', 'brand_owner', 'submit_counter',
      '{is_awaited,is_earlier_round}', 'influencer_price_response', 'influencer',
      '{make_offer}', null, null),
    ('deals', 'T68', 'negotiation_input', 'brand_owner', 'submit_counter',
      '{is_awaited,is_last_round}', 'influencer_final_response', 'influencer',
      '{finalize_offer,make_offer}', null, null),
    ('deals', 'T69', 'negotiation_input', 'brand_owner', 'back',
      '{is_awaited}', 'brand_owner_negotiation', 'brand_owner', '{}', null, null),
    ('deals', 'T70', 'brand_owner_negotiation', 'brand_owner', 'accept_counter',
      '{has_counter,counter_matches}', 'payment_pending', 'brand_owner', '{agree_on_counter}',
      null, null),
    ('deals', 'T71', 'brand_owner_negotiation', 'brand_owner', 'make_counter_offer',
      '{has_round_left}', 'negotiation_input', 'brand_owner', '{}', null, 'submit_counter'),
    ('deals', 'T72', 'brand_owner_negotiation', 'brand_owner', 'hold_price',
      '{}', 'influencer_final_response', 'influencer', '{hold_offer}', null, null),
    ('deals', 'T80', 'influencer_final_response', 'influencer', 'accept_price',
      '{offer_matches}', 'payment_pending', 'brand_owner', '{agree_on_offer}', null, null),
    ('deals', 'T81', 'influencer_final_response', 'influencer', 'reject_price',
      '{}', 'chat_closed', null, '{close}', 'price_not_agreed', null),

    -- Leaving before the payment
    ('bid', 'T85', 'influencer_responding brand_owner_details influencer_reviewing '
      'brand_owner_pricing influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'influencer brand_owner', 'end_conversation',
      '{}', 'chat_closed', null, '{close}', 'ended_by_{role}', null),
    ('campaign', 'T85', 'influencer_responding brand_owner_reviewing brand_owner_pricing '
      'influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'influencer brand_owner', 'end_conversation',
      '{}', 'chat_closed', null, '{close}', 'ended_by_{role}', null),
    ('bid', 'T86', 'influencer_responding brand_owner_details influencer_reviewing '
      'brand_owner_pricing influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'system', 'timer_idle',
      '{}', 'chat_closed', null, '{close}', 'expired', null),
    ('campaign', 'T86', 'influencer_responding brand_owner_reviewing brand_owner_pricing '
      'influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response', 'system', 'timer_idle',
      '{}', 'chat_closed', null, '{close}', 'expired', null),

    -- Payment
    ('deals', 'T90', 'payment_pending', 'brand_owner', 'proceed_to_payment',
      '{}', null, 'brand_owner', '{open_order,note_attempt}', null, null),
    ('deals', 'T91', 'payment_pending', 'system', 'payment_captured',
      '{has_order,capture_matches,is_new_payment}', 'payment_completed', 'influencer',
      '{hold_funds}', null, null),
    ('deals', 'T92', 'payment_pending', 'system', 'payment_failed',
      '{has_order}', null, 'brand_owner', '{note_attempt}', null, null),
    ('deals', 'T93', 'payment_pending', 'system', 'payment_mismatch',
      '{has_order,is_new_payment}', null, 'brand_owner',
      '{bounce_payment,note_attempt}', null, null),
    ('deals', 'T94', 'payment_pending', 'influencer brand_owner', 'end_conversation',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'ended_by_{role}', null),
    ('deals', 'T95', 'payment_pending', 'system', 'timer_payment_window',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'payment_window_passed', null),
    ('deals', 'T96', 'chat_closed', 'system', 'payment_captured',
      '{has_order,is_new_payment}', null, null, '{bounce_payment}', 'late_payment', null),
    ('deals', 'T97', 'payment_completed work_in_progress work_submitted cancellation_requested '
      'disputed refund_pending real_time', 'system', 'payment_captured',
      '{is_new_payment}', null, 'unchanged', '{bounce_payment}', 'second_payment', null),

    -- Paid, not started
    ('deals', 'T100', 'payment_completed', 'influencer', 'start_work',
      '{}', 'work_in_progress', 'influencer', '{start_work}', null, null),
    ('deals', 'T101', 'payment_completed', 'influencer', 'decline_work',
      '{}', 'refund_pending', null, '{request_refund}', null, null),
    ('deals', 'T102', 'payment_completed', 'brand_owner', 'cancel_before_start',
      '{}', 'refund_pending', null, '{request_refund}', null, null),
    ('deals', 'T103', 'payment_completed', 'system', 'timer_start_window',
      '{}', 'refund_pending', null, '{request_refund}', 'not_started', null),

    -- Work, revision, extension
    ('deals', 'T110', 'work_in_progress', 'influencer', 'submit_work',
      '{}', 'work_submitted', 'brand_owner', '{store_submission,drop_extension}', null, null),
    ('deals', 'T111', 'work_in_progress', 'influencer brand_owner', 'request_cancellation',
      '{}', 'cancellation_requested', 'other', '{propose_cancellation,drop_extension}',
      null, null),
    ('deals', 'T112', 'work_in_progress work_submitted', 'influencer brand_owner',
      'raise_dispute', '{}', 'disputed', null, '{open_dispute,drop_extension,raise_alert}',
      null, null),
    ('deals', 'T113', 'work_in_progress', 'brand_owner', 'cancel_overdue',
      '{is_overdue}', 'refund_pending', null, '{request_refund,drop_extension}', null, null),
    ('deals', 'T114', 'work_in_progress', 'influencer', 'give_up_work',
      '{}', 'refund_pending', null, '{request_refund,drop_extension}', null, null),
    ('deals', 'T115', 'work_in_progress', 'system', 'timer_work_limit',
      '{}', 'refund_pending', null, '{request_refund,drop_extension}', 'not_delivered', null),
    ('deals', 'T116', 'work_in_progress', 'influencer', 'request_extension',
      '{}', null, 'influencer', '{propose_extension}', null, null),
    ('deals', 'T117', 'work_in_progress', 'brand_owner', 'accept_extension',
      '{has_extension}', null, 'influencer', '{accept_extension}', null, null),
    ('deals', 'T117b', 'work_in_progress', 'brand_owner', 'decline_extension',
      '{has_extension}', null, 'influencer', '{drop_extension}', null, null),
    ('deals', 'T120', 'work_submitted', 'brand_owner', 'approve_work',
      '{}', 'work_approved', null, '{approve_work,release_funds}', null, 'enable_real_time'),
    ('deals', 'T121', 'work_approved', 'system', 'enable_real_time',
      '{}', 'real_time', null, '{}', null, null),
    ('deals', 'T122', 'work_submitted', 'brand_owner', 'request_revision',
      '{has_revision_left}', 'work_in_progress', 'influencer', '{request_revision}', null, null),
    ('deals', 'T124', 'work_submitted', 'influencer brand_owner', 'request_cancellation',
      '{}', 'cancellation_requested', 'other', '{propose_cancellation}', null, null),
    ('deals', 'T125', 'work_submitted', 'system', 'timer_review_window',
      '{}', 'work_approved', null, '{approve_work,release_funds}', 'auto_approved',
      'enable_real_time'),
    ('deals', 'T126', 'work_submitted', 'influencer', 'withdraw_submission',
      '{}', 'work_in_progress', 'influencer', '{withdraw_submission}', null, null),

    -- Cancellation by agreement
    ('deals', 'T130', 'cancellation_requested', 'influencer brand_owner', 'accept_cancellation',
      '{is_awaited}', 'refund_pending', null, '{request_agreed_refund,drop_cancellation}',
      null, null),
    ('deals', 'T131', 'cancellation_requested', 'influencer brand_owner', 'decline_cancellation',
      '{is_awaited,was_there}', 'work_in_progress', 'influencer', '{resume,drop_cancellation}',
      null, null),
    ('deals', 'T132', 'cancellation_requested', 'influencer brand_owner', 'decline_cancellation',
      '{is_awaited,was_there}', 'work_submitted', 'brand_owner', '{resume,drop_cancellation}',
      null, null),
    ('deals', 'T133', 'cancellation_requested', 'influencer brand_owner', 'withdraw_cancellation',
      '{is_requester,was_there}', 'work_in_progress', 'influencer',
      '{resume,drop_cancellation}', null, null),
    ('deals', 'T134', 'cancellation_requested', 'influencer brand_owner', 'withdraw_cancellation',
      '{is_requester,was_there}', 'work_submitted', 'brand_owner',
      '{resume,drop_cancellation}', null, null),
    ('deals', 'T135', 'cancellation_requested', 'system', 'timer_cancellation',
      '{was_there}', 'work_in_progress', 'influencer', '{resume,drop_cancellation}',
      'cancellation_unanswered', null),
    ('deals', 'T136', 'cancellation_requested', 'system', 'timer_cancellation',
      '{was_there}', 'work_submitted', 'brand_owner', '{resume,drop_cancellation}',
      'cancellation_unanswered', null),
    ('deals', 'T137', 'cancellation_requested', 'influencer brand_owner', 'raise_dispute',
      '{}', 'disputed', null, '{open_dispute,drop_cancellation,raise_alert}', null, null),

    -- Dispute
    ('deals', 'T140', 'disputed', 'admin', 'resolve_release',
      '{}', 'work_approved', null, '{close_dispute,approve_work,release_funds}', null,
      'enable_real_time'),
    ('deals', 'T141', 'disputed', 'admin', 'resolve_refund',
      '{}', 'refund_pending', null, '{close_dispute,request_refund}', null, null),
    ('deals', 'T142', 'disputed', 'admin', 'resolve_split',
      '{}', 'refund_pending', null, '{close_dispute,request_split_refund}', null, null),
    ('deals', 'T143', 'disputed', 'admin', 'resolve_resume',
      '{was_there}', 'work_in_progress', 'influencer', '{close_dispute,resume}', null, null),
    ('deals', 'T143b', 'disputed', 'influencer brand_owner', 'withdraw_dispute',
      '{is_opener,was_there}', 'work_in_progress', 'influencer', '{close_dispute,resume}',
      null, null),
    ('deals', 'T144', 'disputed', 'admin', 'resolve_resume',
      '{was_there}', 'work_submitted', 'brand_owner', '{close_dispute,resume}', null, null),
    ('deals', 'T144b', 'disputed', 'admin', 'resolve_resume',
      '{was_there}', 'payment_completed', 'influencer', '{close_dispute,resume}', null, null),
    ('deals', 'T144c', 'disputed', 'influencer brand_owner', 'withdraw_dispute',
      '{is_opener,was_there}', 'work_submitted', 'brand_owner', '{close_dispute,resume}',
      null, null),
    ('deals', 'T145', 'disputed', 'system', 'timer_dispute',
      '{}', 'refund_pending', null, '{close_dispute,request_refund,raise_alert}',
      'dispute_undecided', null),
    ('deals', 'T146', 'payment_completed work_in_progress work_submitted cancellation_requested',
      'system', 'bank_dispute_opened',
      '{}', 'disputed', null, '{open_dispute,drop_cancellation,drop_extension}', null, null),
    ('deals', 'T146b', 'disputed', 'system', 'bank_dispute_opened',
      '{}', null, null, '{open_dispute}', null, null),
    ('deals', 'T147', 'disputed', 'system', 'bank_dispute_lost',
      '{is_bank_dispute}', 'chat_closed', null, '{close_dispute,charge_back,close}',
      'charged_back', null),

    -- Refund
    ('deals', 'T150', 'refund_pending', 'system', 'refund_processed',
      '{}', 'chat_closed', null, '{settle_refund,close}', 'refunded', null),
    ('deals', 'T151', 'refund_pending', 'system', 'refund_failed',
      '{}', null, null, '{retry_refund}', null, null),
    ('deals', 'T152', 'refund_pending', 'admin', 'mark_refunded_manually',
      '{}', 'chat_closed', null, '{settle_refund,close}', 'refunded', null),

    -- Free chat and closing
    ('deals', 'T161', 'real_time', 'influencer brand_owner', 'close_conversation',
      '{}', 'chat_closed', null, '{close}', 'closed_by_{role}', null),
    ('direct', 'T161', 'real_time', 'member', 'close_conversation',
      '{}', 'chat_closed', null, '{close}', 'closed_by_{role}', null),
    ('deals', 'T162', 'real_time', 'influencer brand_owner', 'rate_collaboration',
      '{is_unrated}', null, null, '{keep_rating}', null, null),
    ('direct', 'T170', 'chat_closed', 'member', 'reopen_conversation',
      '{is_closer,is_unblocked}', 'real_time', null, '{reopen}', null, null),

    -- Operators, and the bank
    ('bid', 'T180', 'influencer_responding brand_owner_details influencer_reviewing '
      'brand_owner_pricing influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response payment_pending', 'admin', 'force_close',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'closed_by_operator', null),
    ('campaign', 'T180', 'influencer_responding brand_owner_reviewing brand_owner_pricing '
      'influencer_price_response negotiation_input brand_owner_negotiation '
      'influencer_final_response payment_pending', 'admin', 'force_close',
      '{nothing_captured}', 'chat_closed', null, '{close}', 'closed_by_operator', null),
    ('deals', 'T181', 'payment_completed work_in_progress work_submitted cancellation_requested',
      'admin', 'force_dispute',
      '{}', 'disputed', null, '{open_dispute,drop_cancellation,drop_extension,raise_alert}',
      null, null),
    ('deals', 'T182', 'refund_pending real_time', 'system', 'bank_dispute_opened',
      '{}', null, 'unchanged', '{}', 'bank_dispute_late', null),
    ('deals', 'T182b', 'chat_closed', 'system', 'bank_dispute_opened',
      '{has_order}', null, null, '{}', 'bank_dispute_late', null)
) as t (
  kinds, name, states, roles, action, guards, to_state, awaiting, effects, reason, follow_up
)
cross join lateral private.draft_flows(t.kinds) as f (id)
cross join lateral unnest(string_to_array(t.states, ' ')) as state (name)
cross join lateral unnest(string_to_array(t.roles, ' ')) as role (name);

-- source: 80_data/40_messages.sql sha256:b372fb79491fbf85d598b62b81258f47fe9b42c19445eeec231052968eeb8072
-- What each move says, and to whom. The title and subtitle head the action message; its text is
-- read where actions are not drawn. Automated messages offer what their reader may do next.
-- private.flow_values lists what may stand in braces.
insert into private.flow_messages (
  flow_id, transition, position, message_type, audience, text, title, subtitle, buttons,
  notification
)
select
  f.id, m.transition, row_number() over (partition by f.id, m.transition order by m.position),
  m.message_type, m.audience, m.text, m.title, m.subtitle, m.buttons::jsonb, m.notification
from (
  values
    -- Creation
    ('bid', 'T01', 1, 'automated', 'influencer',
      '{brand_owner} wants to work with you on "{subject}".{proposed_hint}',
      'New request', '{brand_owner} is interested in "{subject}"', null, 'action_required'),
    ('bid', 'T01', 2, 'audit', 'actor', 'Request sent to {influencer}.', null, null, null, null),
    ('campaign', 'T02', 1, 'automated', 'brand_owner',
      '{influencer} applies to "{subject}".{quote_hint}{pitch_hint}',
      'New application', '{influencer} wants to join "{subject}"', null, 'action_required'),
    ('campaign', 'T02', 2, 'audit', 'actor', 'Application sent.', null, null, null, null),
    ('campaign', 'T03', 1, 'automated', 'influencer',
      '{brand_owner} invites you to "{subject}".',
      'Invitation', '{brand_owner} would like you in "{subject}"', null, 'action_required'),
    ('campaign', 'T03', 2, 'audit', 'actor', 'Invitation sent to {influencer}.',
      null, null, null, null),
    ('direct', 'T04', 1, 'system', 'all', 'Conversation started', null, null, null, null),

    -- Connection and application
    ('bid', 'T10', 1, 'automated', 'brand_owner',
      '{influencer} accepted your request. What is the project?',
      'Describe the project', 'What should {influencer} do, until when, in which form?',
      null, 'action_required'),
    ('bid', 'T10', 2, 'audit', 'actor', 'You accepted the request.', null, null, null, null),
    ('campaign', 'T11', 1, 'automated', 'brand_owner',
      '{influencer} accepted your invitation. Name your price.',
      'Name your price', 'What do you offer for "{subject}"?', null, 'action_required'),
    ('campaign', 'T11', 2, 'audit', 'actor', 'You accepted the invitation.',
      null, null, null, null),
    ('bid', 'T12', 1, 'system', 'brand_owner', '{influencer} declined the request.{reason_hint}',
      null, null, null, 'deal_closed'),
    ('bid', 'T12', 2, 'audit', 'actor', 'You declined the request.', null, null, null, null),
    ('campaign', 'T12', 1, 'system', 'brand_owner',
      '{influencer} declined the invitation.{reason_hint}', null, null, null, 'deal_closed'),
    ('campaign', 'T12', 2, 'audit', 'actor', 'You declined the invitation.',
      null, null, null, null),
    ('campaign', 'T20', 1, 'automated', 'brand_owner', 'Application accepted. Name your price.',
      'Name your price', 'What do you offer {influencer}?', null, null),
    ('campaign', 'T20', 2, 'system', 'influencer',
      'Your application was accepted. {brand_owner} will name a price.', null, null, null, 'work'),
    ('campaign', 'T20', 3, 'audit', 'actor', 'You accepted the application.',
      null, null, null, null),
    ('campaign', 'T21', 1, 'automated', 'brand_owner', 'Agreed at {agreed_text}.',
      'Pay {agreed_text}', 'The money is held until you approve the work.', null, null),
    ('campaign', 'T21', 2, 'system', 'influencer',
      'Your application was accepted at your price, {agreed_text}. Waiting for the payment.',
      null, null, null, 'payment'),
    ('campaign', 'T21', 3, 'audit', 'actor', 'You accepted the application at {agreed_text}.',
      null, null, null, null),
    ('campaign', 'T22', 1, 'system', 'influencer',
      'You were not selected this time.{reason_hint}', null, null, null, 'deal_closed'),
    ('campaign', 'T22', 2, 'audit', 'actor', 'You declined the application.',
      null, null, null, null),

    -- Project details
    ('bid', 'T30', 1, 'automated', 'influencer', '{details}',
      'Project details', '{brand_owner} describes the project', null, 'action_required'),
    ('bid', 'T30', 2, 'audit', 'actor', 'Project details sent.', null, null, null, null),
    ('bid', 'T40', 1, 'automated', 'brand_owner',
      '{influencer} likes the project. Name your price.',
      'Name your price', 'What do you offer for this project?', null, 'action_required'),
    ('bid', 'T40', 2, 'audit', 'actor', 'You accepted the project.', null, null, null, null),
    ('bid', 'T41', 1, 'automated', 'brand_owner', '{influencer} asks: {question}',
      'Change the details', '{influencer} needs to know more', null, 'action_required'),
    ('bid', 'T41', 2, 'audit', 'actor', 'Your question was sent.', null, null, null, null),
    ('bid', 'T42', 1, 'system', 'brand_owner', '{influencer} declined the project.{reason_hint}',
      null, null, null, 'deal_closed'),
    ('bid', 'T42', 2, 'audit', 'actor', 'You declined the project.', null, null, null, null),

    -- Price and negotiation
    ('deals', 'T50', 1, 'automated', 'influencer', '{brand_owner} offers {offer_text}.',
      'Offer: {offer_text}', 'Accept it, or name your own price.', null, 'action_required'),
    ('deals', 'T50', 2, 'audit', 'actor', 'You offered {offer_text}.', null, null, null, null),
    ('deals', 'T60', 1, 'automated', 'brand_owner', '{influencer} accepted {agreed_text}.',
      'Pay {agreed_text}', 'The money is held until you approve the work.',
      null, 'action_required'),
    ('deals', 'T60', 2, 'system', 'influencer',
      'Agreed at {agreed_text}. Waiting for the payment.', null, null, null, null),
    ('deals', 'T60', 3, 'audit', 'actor', 'You accepted {agreed_text}.', null, null, null, null),
    ('deals', 'T61', 1, 'automated', 'influencer', 'Which price do you have in mind?',
      'Your price', '{brand_owner} offered {offer_text}.', null, null),
    ('deals', 'T63', 1, 'automated', 'brand_owner',
      '{influencer} declined {offer_text}.{reason_hint}',
      'Price declined', 'Offer another price, keep yours, or end here.',
      null, 'action_required'),
    ('deals', 'T63', 2, 'audit', 'actor', 'You declined {offer_text}.', null, null, null, null),
    ('deals', 'T65', 1, 'automated', 'brand_owner', '{influencer} asks for {counter_text}.',
      'Counter offer: {counter_text}', 'You offered {offer_text}.', null, 'action_required'),
    ('deals', 'T65', 2, 'audit', 'actor', 'You asked for {counter_text}.', null, null, null, null),
    ('deals', 'T66', 1, 'automated', 'influencer', 'The offer is {offer_text}.',
      'Offer: {offer_text}', 'Accept it, or name your own price.', null, null),
    ('deals', 'T67', 1, 'automated', 'influencer', '{brand_owner} now offers {offer_text}.',
      'Offer: {offer_text}', 'Accept it, or name your own price.', null, 'action_required'),
    ('deals', 'T67', 2, 'audit', 'actor', 'You offered {offer_text}.', null, null, null, null),
    ('deals', 'T68', 1, 'automated', 'influencer',
      '{brand_owner} makes a final offer: {offer_text}.',
      'Final offer: {offer_text}', 'There is no further round.', null, 'action_required'),
    ('deals', 'T68', 2, 'audit', 'actor', 'You made a final offer of {offer_text}.',
      null, null, null, null),
    ('deals', 'T69', 1, 'automated', 'brand_owner', 'You offered {offer_text}.{counter_hint}',
      'Your answer', 'Accept, offer another price, keep yours, or end here.', null, null),
    ('deals', 'T70', 1, 'automated', 'brand_owner', 'Agreed at {agreed_text}.',
      'Pay {agreed_text}', 'The money is held until you approve the work.', null, null),
    ('deals', 'T70', 2, 'system', 'influencer',
      'Your price of {agreed_text} was accepted. Waiting for the payment.',
      null, null, null, 'payment'),
    ('deals', 'T70', 3, 'audit', 'actor', 'You accepted {agreed_text}.', null, null, null, null),
    ('deals', 'T71', 1, 'automated', 'brand_owner', 'Which price do you offer?',
      'Your price', 'You offered {offer_text}.{counter_hint}', null, null),
    ('deals', 'T72', 1, 'automated', 'influencer', '{brand_owner} stays at {offer_text}.',
      'Final offer: {offer_text}', 'There is no further round.', null, 'action_required'),
    ('deals', 'T72', 2, 'audit', 'actor', 'You stay at {offer_text}.', null, null, null, null),
    ('deals', 'T80', 1, 'automated', 'brand_owner', '{influencer} accepted {agreed_text}.',
      'Pay {agreed_text}', 'The money is held until you approve the work.',
      null, 'action_required'),
    ('deals', 'T80', 2, 'audit', 'actor', 'You accepted {agreed_text}.', null, null, null, null),
    ('deals', 'T81', 1, 'system', 'brand_owner',
      '{influencer} declined the final offer.{reason_hint}', null, null, null, 'deal_closed'),
    ('deals', 'T81', 2, 'audit', 'actor', 'You declined the final offer.',
      null, null, null, null),

    -- Leaving before the payment
    ('deals', 'T85', 1, 'system', 'other', '{actor} ended the conversation.{reason_hint}',
      null, null, null, 'deal_closed'),
    ('deals', 'T85', 2, 'audit', 'actor', 'You ended the conversation.', null, null, null, null),
    ('deals', 'T86', 1, 'system', 'all', 'Nobody answered in time; the conversation has ended.',
      null, null, null, 'deal_closed'),

    -- Payment
    ('deals', 'T90', 1, 'automated', 'brand_owner', 'The payment of {agreed_text} is ready.',
      'Pay {agreed_text}', 'The money is held until you approve the work.', null, null),
    ('deals', 'T90', 2, 'audit', 'actor', 'You started the payment.', null, null, null, null),
    ('deals', 'T91', 1, 'system', 'brand_owner',
      'Payment of {agreed_text} received ({payment_id}). It is held until you approve the work.',
      null, null, null, 'payment'),
    ('deals', 'T91', 2, 'automated', 'influencer', '{agreed_text} is paid and held for you.',
      'Start the work', 'Delivery is due {delivery_days} days after you start.',
      null, 'payment'),
    ('deals', 'T92', 1, 'system', 'brand_owner', 'The payment did not go through.{reason_hint}',
      'Payment failed', 'You can try again.', '{"proceed_to_payment": "Retry"}', 'payment'),
    ('deals', 'T93', 1, 'system', 'brand_owner',
      'The amount that was paid differs from {agreed_text}; it is being refunded.',
      null, null, null, 'payment'),
    ('deals', 'T94', 1, 'system', 'other', '{actor} ended the conversation.{reason_hint}',
      null, null, null, 'deal_closed'),
    ('deals', 'T94', 2, 'audit', 'actor', 'You ended the conversation.', null, null, null, null),
    ('deals', 'T95', 1, 'system', 'all', 'The time for the payment has passed; the deal has ended.',
      null, null, null, 'deal_closed'),
    ('deals', 'T96', 1, 'system', 'brand_owner',
      'A payment came after the deal had ended; it is being refunded.', null, null, null,
      'payment'),
    ('deals', 'T97', 1, 'system', 'brand_owner',
      'This deal was paid twice; the second payment is being refunded.', null, null, null,
      'payment'),

    -- Paid, not started
    ('deals', 'T100', 1, 'system', 'brand_owner',
      '{influencer} started the work. It is due on {delivery_due}.', null, null, null, 'work'),
    ('deals', 'T100', 2, 'automated', 'influencer', 'The work is due on {delivery_due}.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T101', 1, 'system', 'brand_owner',
      '{influencer} cannot do the work. Your refund has started.{reason_hint}',
      null, null, null, 'payment'),
    ('deals', 'T101', 2, 'audit', 'actor', 'You declined the work.', null, null, null, null),
    ('deals', 'T102', 1, 'system', 'influencer',
      '{brand_owner} cancelled before the work began.{reason_hint}', null, null, null, 'work'),
    ('deals', 'T102', 2, 'audit', 'actor', 'You cancelled. Your refund has started.',
      null, null, null, null),
    ('deals', 'T103', 1, 'system', 'all',
      'The work was not started in time. The refund has started.', null, null, null, 'payment'),

    -- Work, revision, extension
    ('deals', 'T110', 1, 'automated', 'brand_owner',
      '{influencer} submitted: {deliverables}{description_hint}{notes_hint}',
      'Review the work', 'Without an answer it is approved on {deadline}.',
      null, 'review'),
    ('deals', 'T110', 2, 'audit', 'actor', 'Work submitted.', null, null, null, null),
    ('deals', 'T111', 1, 'automated', 'other',
      '{actor} asks to cancel, with a refund of {refund_text}.{reason_hint}',
      'Cancellation?', 'Without an answer the deal goes on.', null, 'action_required'),
    ('deals', 'T111', 2, 'audit', 'actor', 'You asked to cancel.', null, null, null, null),
    ('deals', 'T112', 1, 'system', 'all',
      '{actor} opened a dispute. An operator will decide.{reason_hint}',
      null, null, null, 'dispute'),
    ('deals', 'T113', 1, 'system', 'influencer',
      '{brand_owner} cancelled because the work is overdue.{reason_hint}',
      null, null, null, 'work'),
    ('deals', 'T113', 2, 'audit', 'actor', 'You cancelled. Your refund has started.',
      null, null, null, null),
    ('deals', 'T114', 1, 'system', 'brand_owner',
      '{influencer} gave the work up. Your refund has started.{reason_hint}',
      null, null, null, 'payment'),
    ('deals', 'T114', 2, 'audit', 'actor', 'You gave the work up.', null, null, null, null),
    ('deals', 'T115', 1, 'system', 'all',
      'The work was not delivered in time. The refund has started.', null, null, null, 'payment'),
    ('deals', 'T116', 1, 'automated', 'brand_owner',
      '{influencer} asks for {days} more days.{reason_hint}',
      'More time?', 'The work is due on {delivery_due}.',
      '{"accept_extension": null, "decline_extension": null}', 'action_required'),
    ('deals', 'T116', 2, 'audit', 'actor', 'You asked for {days} more days.',
      null, null, null, null),
    ('deals', 'T117', 1, 'system', 'influencer',
      'You have more time: the work is due on {delivery_due}.', null, null, null, 'work'),
    ('deals', 'T117', 2, 'automated', 'influencer', 'The work is due on {delivery_due}.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T117', 3, 'audit', 'actor', 'You gave more time.', null, null, null, null),
    ('deals', 'T117b', 1, 'system', 'influencer',
      '{brand_owner} gave no more time: the work is due on {delivery_due}.{reason_hint}',
      null, null, null, 'work'),
    ('deals', 'T117b', 2, 'audit', 'actor', 'You declined more time.', null, null, null, null),
    ('deals', 'T120', 1, 'system', 'influencer',
      'Your work was approved, {released_text} is yours.{feedback_hint}',
      null, null, null, 'payment'),
    ('deals', 'T120', 2, 'audit', 'actor', 'You approved the work.', null, null, null, null),
    ('deals', 'T121', 1, 'system', 'all', 'You can now chat freely.', null, null, null, null),
    ('deals', 'T122', 1, 'automated', 'influencer',
      '{brand_owner} asks for a change: {feedback}',
      'Revise your work', 'Change it and submit it again.', null, 'action_required'),
    ('deals', 'T122', 2, 'audit', 'actor', 'You asked for a change.', null, null, null, null),
    ('deals', 'T124', 1, 'automated', 'other',
      '{actor} asks to cancel, with a refund of {refund_text}.{reason_hint}',
      'Cancellation?', 'Without an answer the deal goes on.', null, 'action_required'),
    ('deals', 'T124', 2, 'audit', 'actor', 'You asked to cancel.', null, null, null, null),
    ('deals', 'T125', 1, 'system', 'all',
      'The work was approved, because the time for its review has passed.',
      null, null, null, 'payment'),
    ('deals', 'T126', 1, 'system', 'brand_owner', '{influencer} took the submission back.',
      null, null, null, 'work'),
    ('deals', 'T126', 2, 'automated', 'influencer', 'You took your submission back.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T126', 3, 'audit', 'actor', 'Submission taken back.', null, null, null, null),

    -- Cancellation by agreement
    ('deals', 'T130', 1, 'system', 'all', 'Cancelled by agreement. The refund has started.',
      null, null, null, 'payment'),
    ('deals', 'T131', 1, 'system', 'other', '{actor} did not agree to cancel.{reason_hint}',
      'Not cancelled', 'An operator can decide.', '{"raise_dispute": null}', 'work'),
    ('deals', 'T132', 1, 'system', 'other', '{actor} did not agree to cancel.{reason_hint}',
      'Not cancelled', 'An operator can decide.', '{"raise_dispute": null}', 'work'),
    ('deals', 'T133', 1, 'system', 'other', '{actor} no longer asks to cancel.',
      null, null, null, 'work'),
    ('deals', 'T134', 1, 'system', 'other', '{actor} no longer asks to cancel.',
      null, null, null, 'work'),
    ('deals', 'T135', 1, 'system', 'all', 'No answer: the deal continues.',
      'Not cancelled', 'An operator can decide.', '{"raise_dispute": null}', 'work'),
    ('deals', 'T136', 1, 'system', 'all', 'No answer: the deal continues.',
      'Not cancelled', 'An operator can decide.', '{"raise_dispute": null}', 'work'),
    ('deals', 'T131', 2, 'automated', 'influencer', 'The work goes on, due on {delivery_due}.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T133', 2, 'automated', 'influencer', 'The work goes on, due on {delivery_due}.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T135', 2, 'automated', 'influencer', 'The work goes on, due on {delivery_due}.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T132', 2, 'automated', 'brand_owner', 'The review goes on.',
      'Review the work', 'Without an answer it is approved on {deadline}.', null, null),
    ('deals', 'T134', 2, 'automated', 'brand_owner', 'The review goes on.',
      'Review the work', 'Without an answer it is approved on {deadline}.', null, null),
    ('deals', 'T136', 2, 'automated', 'brand_owner', 'The review goes on.',
      'Review the work', 'Without an answer it is approved on {deadline}.', null, null),
    ('deals', 'T137', 1, 'system', 'all',
      '{actor} opened a dispute. An operator will decide.{reason_hint}',
      null, null, null, 'dispute'),

    -- Dispute
    ('deals', 'T140', 1, 'system', 'all',
      'The operator decided for the influencer: the work is approved.', null, null, null,
      'dispute'),
    ('deals', 'T141', 1, 'system', 'all',
      'The operator decided for the brand owner: the refund has started.', null, null, null,
      'dispute'),
    ('deals', 'T142', 1, 'system', 'all',
      'The operator decided to share the money: {refund_text} is being refunded.',
      null, null, null, 'dispute'),
    ('deals', 'T143', 1, 'system', 'all', 'The work continues.', null, null, null, 'dispute'),
    ('deals', 'T143', 2, 'automated', 'influencer', 'The work goes on, due on {delivery_due}.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T143b', 1, 'system', 'all', '{actor} withdrew the dispute. The work continues.',
      null, null, null, 'dispute'),
    ('deals', 'T143b', 2, 'automated', 'influencer', 'The work goes on, due on {delivery_due}.',
      'Submit your work', 'Give links to what you made.', null, null),
    ('deals', 'T144', 1, 'system', 'all', 'The review continues.', null, null, null, 'dispute'),
    ('deals', 'T144', 2, 'automated', 'brand_owner', 'The review goes on.',
      'Review the work', 'Without an answer it is approved on {deadline}.', null, null),
    ('deals', 'T144b', 1, 'system', 'all', 'The deal continues.', null, null, null, 'dispute'),
    ('deals', 'T144b', 2, 'automated', 'influencer', '{agreed_text} is paid and held for you.',
      'Start the work', 'Delivery is due {delivery_days} days after you start.', null, null),
    ('deals', 'T144c', 1, 'system', 'all', '{actor} withdrew the dispute. The review continues.',
      null, null, null, 'dispute'),
    ('deals', 'T144c', 2, 'automated', 'brand_owner', 'The review goes on.',
      'Review the work', 'Without an answer it is approved on {deadline}.', null, null),
    ('deals', 'T145', 1, 'system', 'all',
      'The dispute was not decided in time. The refund has started.', null, null, null,
      'dispute'),
    ('deals', 'T146', 1, 'system', 'all',
      'The bank is looking into the payment. The deal rests until it has decided.',
      null, null, null, 'dispute'),
    ('deals', 'T146b', 1, 'system', 'all', 'The bank, too, is looking into the payment.',
      null, null, null, 'dispute'),
    ('deals', 'T147', 1, 'system', 'all', 'The bank took the payment back. The deal has ended.',
      null, null, null, 'deal_closed'),

    -- Refund
    ('deals', 'T150', 1, 'system', 'all', 'The refund is complete.', null, null, null,
      'deal_closed'),
    ('deals', 'T151', 1, 'system', 'brand_owner',
      'The refund is delayed. It will be tried again.', null, null, null, 'payment'),
    ('deals', 'T152', 1, 'system', 'all', 'The refund is complete.', null, null, null,
      'deal_closed'),

    -- Free chat and closing
    ('all', 'T161', 1, 'system', 'all', '{actor} closed the conversation.{reason_hint}',
      null, null, null, 'deal_closed'),
    ('deals', 'T162', 1, 'audit', 'actor',
      'You rated this collaboration. It is shown when both have, or after {rating_days} days.',
      null, null, null, null),
    ('direct', 'T170', 1, 'system', 'all', '{actor} opened the conversation again.',
      null, null, null, null),

    -- Operators, and the bank
    ('deals', 'T180', 1, 'system', 'all', 'An operator closed this conversation.{reason_hint}',
      null, null, null, 'deal_closed'),
    ('deals', 'T181', 1, 'system', 'all',
      'An operator stopped this deal to look into it.{reason_hint}', null, null, null, 'dispute')
) as m (
  kinds, transition, position, message_type, audience, text, title, subtitle, buttons,
  notification
)
cross join lateral private.draft_flows(m.kinds) as f (id);

-- source: 80_data/50_actions.sql sha256:69f911dd25ea719947b39235f635032b15399c2e19a08b028ee80ed180d901a2
-- What the client draws for each thing a user may do: a button, a form, both, or nothing in the
-- message (it is still allowed, and get_available_actions lists it). In the order of the screen.
insert into private.flow_actions (
  flow_id, state, role, action, position, text, style, drawn, data
)
select
  f.id, state.name, role.name, a.action,
  row_number() over (partition by f.id, state.name, role.name order by a.position),
  a.text, a.style, a.drawn, a.data::jsonb
from (
  values
    ('deals', 10, 'influencer_responding', 'influencer', 'accept_connection', 'Accept',
      'success', 'button', null),
    ('deals', 11, 'influencer_responding', 'influencer', 'reject_connection', 'Decline',
      'danger', 'button', null),
    ('campaign', 20, 'brand_owner_reviewing', 'brand_owner', 'accept_application', 'Accept',
      'success', 'button', null),
    ('campaign', 21, 'brand_owner_reviewing', 'brand_owner', 'accept_application_at_quote',
      'Accept at {quote_text}', 'primary', 'button', '{"price": "{quote}"}'),
    ('campaign', 22, 'brand_owner_reviewing', 'brand_owner', 'reject_application', 'Decline',
      'danger', 'button', null),
    ('bid', 30, 'brand_owner_details', 'brand_owner', 'send_project_details', 'Send',
      'success', 'form', null),
    ('bid', 40, 'influencer_reviewing', 'influencer', 'accept_project', 'Accept project',
      'success', 'button', null),
    ('bid', 41, 'influencer_reviewing', 'influencer', 'request_details_change',
      'Ask for a change', 'secondary', 'both', null),
    ('bid', 42, 'influencer_reviewing', 'influencer', 'reject_project', 'Decline',
      'danger', 'button', null),
    ('deals', 50, 'brand_owner_pricing', 'brand_owner', 'send_price_offer', 'Send offer',
      'success', 'form', null),
    ('deals', 60, 'influencer_price_response influencer_final_response', 'influencer',
      'accept_price', 'Accept {offer_text}', 'success', 'button', '{"price": "{offer}"}'),
    ('deals', 61, 'influencer_price_response', 'influencer', 'negotiate_price', 'Negotiate',
      'warning', 'button', null),
    ('deals', 63, 'influencer_price_response influencer_final_response', 'influencer',
      'reject_price', 'Decline', 'danger', 'button', null),
    ('deals', 65, 'negotiation_input', 'influencer brand_owner', 'submit_counter', 'Send price',
      'success', 'form', null),
    ('deals', 66, 'negotiation_input', 'influencer brand_owner', 'back', 'Back',
      'secondary', 'button', null),
    ('deals', 70, 'brand_owner_negotiation', 'brand_owner', 'accept_counter',
      'Accept {counter_text}', 'success', 'button', '{"price": "{counter}"}'),
    ('deals', 71, 'brand_owner_negotiation', 'brand_owner', 'make_counter_offer',
      'Make another offer', 'warning', 'button', null),
    ('deals', 72, 'brand_owner_negotiation', 'brand_owner', 'hold_price',
      'Stay at {offer_text}', 'secondary', 'button', null),
    ('deals', 90, 'payment_pending', 'brand_owner', 'proceed_to_payment', 'Pay now',
      'success', 'button', null),

    -- Ending it before the payment: on the screen where the brand owner decides.
    ('deals', 94, 'brand_owner_negotiation', 'brand_owner', 'end_conversation', 'End here',
      'danger', 'button', null),
    ('bid', 94, 'brand_owner_details', 'brand_owner', 'end_conversation', 'End here',
      'secondary', 'button', null),
    ('deals', 94, 'brand_owner_pricing payment_pending', 'brand_owner', 'end_conversation',
      'End here', 'secondary', 'button', null),
    ('campaign', 94, 'brand_owner_reviewing', 'brand_owner influencer', 'end_conversation',
      'End here', 'secondary', 'nowhere', null),
    ('bid', 94, 'influencer_reviewing', 'brand_owner influencer', 'end_conversation',
      'End here', 'secondary', 'nowhere', null),
    ('bid', 94, 'brand_owner_details', 'influencer', 'end_conversation',
      'End here', 'secondary', 'nowhere', null),
    ('deals', 94, 'influencer_responding influencer_price_response negotiation_input '
      'influencer_final_response', 'brand_owner influencer', 'end_conversation',
      'End here', 'secondary', 'nowhere', null),
    ('deals', 94, 'brand_owner_pricing brand_owner_negotiation payment_pending', 'influencer',
      'end_conversation', 'End here', 'secondary', 'nowhere', null),

    ('deals', 100, 'payment_completed', 'influencer', 'start_work', 'Start work',
      'success', 'button', null),
    ('deals', 101, 'payment_completed', 'influencer', 'decline_work', 'Decline',
      'danger', 'button', null),
    ('deals', 102, 'payment_completed', 'brand_owner', 'cancel_before_start', 'Cancel',
      'danger', 'button', null),
    ('deals', 110, 'work_in_progress', 'influencer', 'submit_work', 'Submit work',
      'success', 'form', null),
    ('deals', 111, 'work_in_progress', 'brand_owner', 'accept_extension', 'Give more time',
      'success', 'button', null),
    ('deals', 112, 'work_in_progress', 'brand_owner', 'decline_extension', 'No more time',
      'secondary', 'button', null),
    ('deals', 113, 'work_in_progress', 'brand_owner', 'cancel_overdue', 'Cancel: overdue',
      'danger', 'button', null),
    ('deals', 116, 'work_in_progress', 'influencer', 'request_extension', 'Ask for more time',
      'secondary', 'button', null),
    ('deals', 120, 'work_submitted', 'brand_owner', 'approve_work', 'Approve',
      'success', 'button', null),
    ('deals', 122, 'work_submitted', 'brand_owner', 'request_revision', 'Ask for a change',
      'warning', 'both', null),
    ('deals', 126, 'work_submitted', 'influencer', 'withdraw_submission', 'Take it back',
      'secondary', 'button', null),
    ('deals', 127, 'work_in_progress', 'influencer brand_owner', 'request_cancellation',
      'Ask to cancel', 'secondary', 'button', null),
    ('deals', 127, 'work_submitted', 'influencer brand_owner', 'request_cancellation',
      'Ask to cancel', 'secondary', 'nowhere', null),
    ('deals', 130, 'cancellation_requested', 'influencer brand_owner', 'accept_cancellation',
      'Agree to cancel', 'warning', 'button', null),
    ('deals', 131, 'cancellation_requested', 'influencer brand_owner', 'decline_cancellation',
      'Do not cancel', 'secondary', 'button', null),
    ('deals', 133, 'cancellation_requested', 'influencer brand_owner', 'withdraw_cancellation',
      'Do not cancel after all', 'secondary', 'button', null),
    ('deals', 137, 'work_in_progress work_submitted cancellation_requested',
      'influencer brand_owner', 'raise_dispute', 'Open a dispute', 'danger', 'button', null),
    ('deals', 138, 'work_in_progress', 'influencer', 'give_up_work', 'Give up',
      'danger', 'button', null),
    ('deals', 143, 'disputed', 'influencer brand_owner', 'withdraw_dispute',
      'Withdraw the dispute', 'secondary', 'button', null),
    ('deals', 161, 'real_time', 'influencer brand_owner', 'rate_collaboration', 'Rate',
      'primary', 'button', null),
    ('deals', 162, 'real_time', 'influencer brand_owner', 'close_conversation', 'Close',
      'secondary', 'button', null),
    ('direct', 161, 'real_time', 'member', 'close_conversation', 'Close',
      'secondary', 'button', null),
    ('direct', 170, 'chat_closed', 'member', 'reopen_conversation', 'Open again',
      'secondary', 'button', null)
) as a (kinds, position, states, roles, action, text, style, drawn, data)
cross join lateral private.draft_flows(a.kinds) as f (id)
cross join lateral unnest(string_to_array(a.states, ' ')) as state (name)
cross join lateral unnest(string_to_array(a.roles, ' ')) as role (name);

-- source: 80_data/60_inputs.sql sha256:5357263ee289b3e2e37331a489fc42c372d3119c14ae1c4d2d0ad037f797d1ed
-- What is typed with an action. input_type is the name by which submit_text means a field. What a
-- row leaves open private.complete_limits fills in: 1 to 10000000 rupees, 1000 characters.
insert into private.flow_inputs (
  flow_id, action, field, position, type, required, min, max, max_length, placeholder, prefill,
  input_type, is_secret
)
select
  f.id, action.name, i.field,
  row_number() over (partition by f.id, action.name order by i.position),
  i.type, i.required, i.min, i.max, i.max_length, i.placeholder, i.prefill, i.input_type,
  -- Ratings are double-blind, an operator's words are for operators, and why a payment or a refund
  -- failed is the brand owner's affair.
  i.field in ('rating', 'comment', 'note', 'reference')
    or action.name in ('payment_failed', 'refund_failed')
from (
  values
    -- Words
    ('bid', 'send_project_details', 1, 'details', 'textarea', true, null::numeric, null::numeric,
      5000, 'What should be made, until when, in which form?', '{details}', 'project_details'),
    ('bid', 'request_details_change', 1, 'question', 'textarea', true, null, null,
      null, 'What do you need to know?', null, 'question'),
    ('deals', 'submit_work', 1, 'deliverables', 'textarea', true, null, null,
      5000, 'Links to what you made', null, 'work_submission'),
    ('deals', 'submit_work', 2, 'description', 'textarea', false, null, null,
      5000, 'What it is', null, null),
    ('deals', 'submit_work', 3, 'submission_notes', 'textarea', false, null, null,
      5000, 'What to know about it', null, null),
    ('deals', 'request_revision', 1, 'feedback', 'textarea', true, null, null,
      null, 'What should change?', null, 'feedback'),
    ('deals', 'approve_work', 1, 'feedback', 'textarea', false, null, null,
      null, 'What did you like?', null, null),

    -- Prices, in rupees
    ('deals', 'send_price_offer', 1, 'price', 'price', true, null, null,
      null, 'Your price in rupees', '{proposed_price}', 'price'),
    ('deals', 'submit_counter', 1, 'price', 'price', true, null, null,
      null, 'Your price in rupees', null, 'negotiation'),
    ('deals', 'negotiate_price make_counter_offer accept_price accept_counter', 1, 'price',
      'price', false, null, null, null, null, null, null),
    ('campaign', 'accept_application_at_quote', 1, 'price', 'price', false, null, null,
      null, null, null, null),

    -- Reasons
    ('campaign', 'reject_application', 9, 'reason', 'textarea', false, null, null,
      null, 'Why? (optional)', null, 'reason'),
    ('bid', 'reject_project', 9, 'reason', 'textarea', false, null, null,
      null, 'Why? (optional)', null, 'reason'),
    ('deals', 'reject_connection reject_price end_conversation decline_work '
      'cancel_before_start cancel_overdue give_up_work request_cancellation request_extension '
      'decline_cancellation decline_extension raise_dispute', 9, 'reason', 'textarea', false, null,
      null, null, 'Why? (optional)', null, 'reason'),
    ('all', 'close_conversation', 9, 'reason', 'textarea', false, null, null,
      null, 'Why? (optional)', null, 'reason'),

    -- Numbers
    ('deals', 'request_cancellation', 1, 'refund_amount', 'price', false, null, null,
      null, 'Refund in rupees; empty: all of it', null, null),
    ('deals', 'request_extension', 1, 'days', 'integer', true, 1, 30,
      null, 'How many days?', null, null),
    ('deals', 'rate_collaboration', 1, 'rating', 'integer', true, 1, 5,
      null, '1 to 5', null, null),
    ('deals', 'rate_collaboration', 2, 'comment', 'textarea', false, null, null,
      null, 'How was it?', null, null),

    -- What operators and the gateway say
    ('deals', 'force_close force_dispute', 1, 'reason', 'textarea', false, null, null,
      null, null, null, null),
    ('deals', 'resolve_release resolve_refund resolve_split resolve_resume '
      'mark_refunded_manually', 9, 'note', 'textarea', false, null, null,
      null, null, null, null),
    ('deals', 'resolve_split', 1, 'refund_amount', 'price', true, null, null,
      null, null, null, null),
    ('deals', 'mark_refunded_manually', 1, 'reference', 'text', true, null, null,
      200, null, null, null),
    ('deals', 'payment_captured payment_mismatch', 1, 'payment_id', 'text', true, null, null,
      100, null, null, null),
    ('deals', 'payment_captured payment_mismatch', 2, 'amount_minor', 'integer', true, 1,
      100000000000, null, null, null, null),
    ('deals', 'payment_captured payment_mismatch', 3, 'currency', 'text', true, null, null,
      3, null, null, null),
    ('deals', 'payment_failed refund_failed', 9, 'reason', 'text', false, null, null,
      200, null, null, null),
    ('deals', 'payment_failed bank_dispute_opened bank_dispute_lost', 1, 'payment_id', 'text',
      false, null, null, 100, null, null, null),
    ('deals', 'refund_processed', 1, 'reference', 'text', false, null, null,
      200, null, null, null)
) as i (
  kinds, actions, position, field, type, required, min, max, max_length, placeholder, prefill,
  input_type
)
cross join lateral private.draft_flows(i.kinds) as f (id)
cross join lateral unnest(string_to_array(i.actions, ' ')) as action (name);

-- source: 80_data/70_traces.sql sha256:a297abea038f621d28229b47d6eb06c1905f3fa8b8af6868e3dbfa8dabdc8d9e
-- Walks that the flows must allow, whatever else they come to allow: `role action state` a line.
-- The proof of a flow takes them (P12), because rows that are alternatives to each other miss
-- nothing when one is gone; every such row is in one of these walks.
--
-- A walk begins where the one named after its own name ends; the first have nothing before them.
insert into private.flow_traces (flow_id, name, steps)
with recursive given (kinds, name, begins_with, steps) as (
  values
    -- Getting to a price
    ('bid', 'A price is named', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer accept_project brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('bid', 'The influencer declines the request', null,
      'brand_owner connect_bid influencer_responding
      influencer reject_connection chat_closed'),
    ('bid', 'The influencer ends it at the request', null,
      'brand_owner connect_bid influencer_responding
      influencer end_conversation chat_closed'),
    ('bid', 'The details are changed, then the project is declined', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer request_details_change brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer reject_project chat_closed'),
    ('bid', 'The influencer ends it at the details', null,
      'brand_owner connect_bid influencer_responding
      influencer accept_connection brand_owner_details
      brand_owner send_project_details influencer_reviewing
      influencer end_conversation chat_closed'),
    ('campaign', 'A price is named', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner accept_application brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('campaign', 'An application is accepted at its quote', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner accept_application_at_quote payment_pending'),
    ('campaign', 'An application is declined', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner reject_application chat_closed'),
    ('campaign', 'The brand owner ends it at the application', null,
      'influencer apply_to_campaign brand_owner_reviewing
      brand_owner end_conversation chat_closed'),
    ('campaign', 'An invitation is accepted', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer accept_connection brand_owner_pricing
      brand_owner send_price_offer influencer_price_response'),
    ('campaign', 'An invitation is declined', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer reject_connection chat_closed'),
    ('campaign', 'The influencer ends it at the invitation', null,
      'brand_owner invite_to_campaign influencer_responding
      influencer end_conversation chat_closed'),

    -- The price
    ('deals', 'The price is accepted', 'A price is named',
      'influencer accept_price payment_pending'),
    ('deals', 'A counter offer is accepted', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner accept_counter payment_pending'),
    ('deals', 'The influencer thinks again', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer back influencer_price_response
      influencer accept_price payment_pending'),
    ('deals', 'All rounds are used', 'A price is named',
      'influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner submit_counter influencer_price_response
      influencer negotiate_price negotiation_input
      influencer submit_counter brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner submit_counter influencer_final_response
      influencer accept_price payment_pending'),
    ('deals', 'The brand owner thinks again and stays at the price', 'A price is named',
      'influencer reject_price brand_owner_negotiation
      brand_owner make_counter_offer negotiation_input
      brand_owner back brand_owner_negotiation
      brand_owner hold_price influencer_final_response
      influencer reject_price chat_closed'),
    ('deals', 'The influencer ends it at the final price', 'A price is named',
      'influencer reject_price brand_owner_negotiation
      brand_owner hold_price influencer_final_response
      influencer end_conversation chat_closed'),

    -- The payment
    ('deals', 'It is paid', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system payment_captured payment_completed'),
    ('deals', 'It is paid at the third attempt', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system payment_failed payment_pending
      brand_owner proceed_to_payment payment_pending
      system payment_mismatch payment_pending
      brand_owner proceed_to_payment payment_pending
      system payment_captured payment_completed'),
    ('deals', 'It is paid too late', 'The price is accepted',
      'brand_owner proceed_to_payment payment_pending
      system timer_payment_window chat_closed
      system payment_captured chat_closed'),
    ('deals', 'The influencer declines the work', 'It is paid',
      'influencer decline_work refund_pending
      system refund_failed refund_pending
      system refund_processed chat_closed'),
    ('deals', 'The brand owner cancels before the start', 'It is paid',
      'brand_owner cancel_before_start refund_pending
      admin mark_refunded_manually chat_closed'),
    ('deals', 'An operator stops it before the start', 'It is paid',
      'admin force_dispute disputed
      admin resolve_resume payment_completed'),

    -- The work
    ('deals', 'The work begins', 'It is paid',
      'influencer start_work work_in_progress'),
    ('deals', 'More time is given, then refused', 'The work begins',
      'influencer request_extension work_in_progress
      brand_owner accept_extension work_in_progress
      influencer request_extension work_in_progress
      brand_owner decline_extension work_in_progress'),
    ('deals', 'The work is overdue', 'The work begins',
      'brand_owner cancel_overdue refund_pending'),
    ('deals', 'The influencer gives the work up', 'The work begins',
      'influencer give_up_work refund_pending'),
    ('deals', 'The work is submitted', 'The work begins',
      'influencer submit_work work_submitted'),
    ('deals', 'The influencer takes the work back', 'The work is submitted',
      'influencer withdraw_submission work_in_progress'),
    ('deals', 'The work is approved', 'The work is submitted',
      'brand_owner approve_work work_approved
      system enable_real_time real_time'),
    ('deals', 'The work is approved after a revision', 'The work is submitted',
      'brand_owner request_revision work_in_progress
      influencer submit_work work_submitted
      brand_owner approve_work work_approved
      system enable_real_time real_time'),
    ('deals', 'Nobody reviews the work', 'The work is submitted',
      'system timer_review_window work_approved
      system enable_real_time real_time'),
    ('deals', 'What may still happen in the free chat', 'The work is approved',
      'influencer rate_collaboration real_time
      brand_owner rate_collaboration real_time
      system payment_captured real_time
      system bank_dispute_opened real_time
      brand_owner close_conversation chat_closed'),

    -- Cancelling
    ('deals', 'The influencer asks to cancel, the brand owner agrees', 'The work begins',
      'influencer request_cancellation cancellation_requested
      brand_owner accept_cancellation refund_pending'),
    ('deals', 'The brand owner asks to cancel, the influencer agrees', 'The work is submitted',
      'brand_owner request_cancellation cancellation_requested
      influencer accept_cancellation refund_pending'),
    ('deals', 'The work survives every request to cancel', 'The work begins',
      'influencer request_cancellation cancellation_requested
      influencer withdraw_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      brand_owner withdraw_cancellation work_in_progress
      influencer request_cancellation cancellation_requested
      brand_owner decline_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      influencer decline_cancellation work_in_progress
      brand_owner request_cancellation cancellation_requested
      system timer_cancellation work_in_progress'),
    ('deals', 'The review survives every request to cancel', 'The work is submitted',
      'influencer request_cancellation cancellation_requested
      influencer withdraw_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      brand_owner withdraw_cancellation work_submitted
      influencer request_cancellation cancellation_requested
      brand_owner decline_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      influencer decline_cancellation work_submitted
      brand_owner request_cancellation cancellation_requested
      system timer_cancellation work_submitted'),

    -- Disputes
    ('deals', 'The work survives every dispute', 'The work begins',
      'influencer raise_dispute disputed
      influencer withdraw_dispute work_in_progress
      brand_owner raise_dispute disputed
      brand_owner withdraw_dispute work_in_progress
      influencer request_cancellation cancellation_requested
      brand_owner raise_dispute disputed
      admin resolve_resume work_in_progress'),
    ('deals', 'The review survives every dispute', 'The work is submitted',
      'influencer raise_dispute disputed
      influencer withdraw_dispute work_submitted
      brand_owner raise_dispute disputed
      brand_owner withdraw_dispute work_submitted
      brand_owner request_cancellation cancellation_requested
      influencer raise_dispute disputed
      admin resolve_resume work_submitted'),
    ('deals', 'An operator decides for the influencer', 'The work is submitted',
      'brand_owner raise_dispute disputed
      admin resolve_release work_approved
      system enable_real_time real_time'),
    ('deals', 'An operator decides for the brand owner', 'The work begins',
      'brand_owner raise_dispute disputed
      admin resolve_refund refund_pending'),
    ('deals', 'An operator shares the money', 'The work is submitted',
      'influencer raise_dispute disputed
      admin resolve_split refund_pending'),
    ('deals', 'The bank joins a dispute and takes the money back', 'The work begins',
      'influencer raise_dispute disputed
      system bank_dispute_opened disputed
      system bank_dispute_lost chat_closed'),

    ('direct', 'It is closed and opened again', null,
      'member direct_connect real_time
      member close_conversation chat_closed
      member reopen_conversation real_time')
),
of_flow as (
  select
    f.id as flow_id, g.name, g.begins_with,
    regexp_replace(g.steps, '\n +', e'\n', 'g') as steps
  from given as g
  cross join lateral private.draft_flows(g.kinds) as f (id)
),
whole as (
  select o.flow_id, o.name, o.steps from of_flow as o where o.begins_with is null
  union all
  select o.flow_id, o.name, w.steps || e'\n' || o.steps
  from whole as w
  join of_flow as o on o.flow_id = w.flow_id and o.begins_with = w.name
)
select w.flow_id, w.name, w.steps from whole as w;

-- source: 80_data/90_publish.sql sha256:2cfe635bc835bbe6e62b75238267686efa050c7b543f3f19c989b9a41e83c017
-- Publishes the drafts that the files before this one have filled: proved, and only where they
-- differ from the flow in use. Conversations from before there were flows get the direct one.
select private.publish_draft(f.id)
from private.flow_definitions as f
where f.status = 'draft'
order by f.kind;

update public.conversations as c
set flow_id = f.id
from private.flow_definitions as f
where c.flow_id is null and f.kind = c.kind and f.status = 'published';
