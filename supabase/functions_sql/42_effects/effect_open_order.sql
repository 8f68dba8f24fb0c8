-- Asks for the agreed amount: one open order, the same one whenever it is asked for again.
--
-- Writes: payment_orders.
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
    insert into private.payment_orders (conversation_id, amount_minor, currency, created_at)
    values (
      v_conversation.id, v_conversation.amount_minor, v_conversation.currency, p_step.at
    )
    on conflict (conversation_id) where status = 'open' do nothing;
    v_conversation.flow_data := v_conversation.flow_data || (
      select jsonb_build_object(
        'payment_order', jsonb_build_object(
          'payment_order_id', o.id, 'receipt', o.id, 'amount_minor', o.amount_minor,
          'currency', o.currency
        )
      )
      from private.payment_orders as o
      where o.conversation_id = v_conversation.id and o.status = 'open'
    );
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.effect_open_order(private.flow_step)
from public, anon, authenticated, service_role;
