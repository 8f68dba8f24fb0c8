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
