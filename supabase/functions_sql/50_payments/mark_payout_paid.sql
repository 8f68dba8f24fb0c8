-- RPC: operators mark a payout as paid; returns `{id, status}`.
create or replace function public.mark_payout_paid(payout_id uuid, reference text)
returns jsonb
language sql
set search_path = ''
as $$
  select private.mark_payout_paid(payout_id, reference);
$$;

-- Records that an operator has paid an influencer, and notifies the influencer; reference proves
-- the payment.
--
-- Definer: the books are private.
-- Locks: the payout. Writes: payouts, payment_audit, and as private.notify. Events: notification.
-- Errors: FORBIDDEN (403), also for an operator who is a member of the deal; INPUT_INVALID (422)
-- for a payout that is not owed, or without a reference.
create or replace function private.mark_payout_paid(p_payout_id uuid, p_reference text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reference text;
  v_payout private.payouts;
begin
  perform private.require_operator();
  v_reference := private.require_text(p_reference, 'reference', 200);
  perform private.refuse_own(
    (select p.conversation_id from private.payouts as p where p.id = p_payout_id)
  );
  update private.payouts as p
  set status = 'paid', reference = v_reference, paid_at = now()
  where p.id = p_payout_id and p.status = 'owed'
  returning p.* into v_payout;
  if not found then
    perform private.raise_input_invalid('payout_id', 'owed', 'There is no such payout to be made.');
  end if;
  insert into private.payment_audit (actor, action, conversation_id, details)
  values (
    'operator:' || coalesce(auth.uid()::text, 'service'), 'payout_paid', v_payout.conversation_id,
    jsonb_build_object('amount_minor', v_payout.amount_minor, 'reference', v_reference)
  );
  perform private.notify(
    v_payout.influencer_id, 'payment', v_payout.conversation_id,
    jsonb_build_object('payout_id', v_payout.id, 'amount_minor', v_payout.amount_minor)
  );
  return jsonb_build_object('id', v_payout.id, 'status', v_payout.status);
end;
$$;

grant execute on function public.mark_payout_paid(uuid, text), private.mark_payout_paid(uuid, text)
to authenticated, service_role;
