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
