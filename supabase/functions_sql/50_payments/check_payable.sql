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
