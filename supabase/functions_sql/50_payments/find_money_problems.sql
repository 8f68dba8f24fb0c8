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
