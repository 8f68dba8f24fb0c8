-- A conversation's money, in one call.

-- RPC: operators look into a conversation; returns `{conversation_id, kind, flow_state,
-- awaiting_role, deadline_at, amount_minor, currency, books, ledger, orders, payments,
-- refund_requests, refunds, disputes, events, payouts, alerts, audit, history, problems}`; problems
-- are sentences.
create or replace function public.diagnose_conversation(conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.diagnose_conversation(conversation_id);
$$;

-- Everything about a conversation's money for an operator: the deal's state, its orders, payments,
-- refunds, disputes, events, ledger and alerts, and the problems found in them.
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
  v_conversation private.conversations;
begin
  perform private.require_operator();
  select (private.as_of_now(c)).* into v_conversation
  from private.conversations as c
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

-- The problems of a deal's money, as sentences with a remedy; empty when there are none.
create or replace function private.find_money_problems(p_conversation private.conversations)
returns text[]
language plpgsql
stable
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
              -- Not one that an operator has marked by hand.
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

-- All rows about a conversation's money, oldest first, without raw bodies: `{ledger, orders,
-- payments, refund_requests, refunds, disputes, events, payouts, alerts, audit}`.
create or replace function private.money_rows_json(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
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
      join private.payment_orders as o on o.razorpay_order_id = e.razorpay_order_id
      where o.conversation_id = p_conversation_id
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

-- The books of a deal beside its ledger, both in paise.
create or replace function private.books_json(p_conversation private.conversations)
returns jsonb
language plpgsql
stable
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

-- The balance of an account of the ledger for a conversation, in paise.
create or replace function private.ledger_balance(p_conversation_id uuid, p_account text)
returns bigint
language plpgsql
stable
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

grant execute on function public.diagnose_conversation(uuid), private.diagnose_conversation(uuid)
to authenticated, service_role;
