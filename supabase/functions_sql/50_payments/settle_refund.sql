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
