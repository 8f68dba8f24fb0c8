-- Copies the present order into the deal's data and into the brand owner's open action message;
-- removes a superseded one (p_order null).
--
-- Args: the conversation, locked; the order; the settings of the checkout, for the brand owner
-- only.
-- Writes: conversations, messages, participants.
create or replace function private.show_payment_order(
  p_conversation_id uuid,
  p_order private.payment_orders,
  p_checkout jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_shown constant jsonb := private.payment_order_json(p_order);
begin
  update private.conversations as c
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
  -- This is no step of the flow, so the conversation's version stays, and the members' versions
  -- rise.
  update private.participants as p
  set version = p.version + 1
  where p.conversation_id = p_conversation_id;
end;
$$;

-- Says in the brand owner's open action message that the bank has approved a payment that is not
-- captured yet, and removes the button to pay. The next step of the deal draws its own buttons.
--
-- Args: the conversation, locked. Writes: messages, participants.
create or replace function private.show_authorization(p_conversation_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  c_says constant text
    := 'Your bank has approved the payment. It is being confirmed: there is nothing to do.';
begin
  update public.messages as m
  set
    action_data = m.action_data || jsonb_build_object(
      'subtitle', c_says,
      'buttons', (
        select coalesce(jsonb_agg(b.value order by b.ordinality), '[]')
        from jsonb_array_elements(m.action_data -> 'buttons') with ordinality as b
        where b.value ->> 'action' is distinct from 'proceed_to_payment'
      )
    ),
    updated_at = clock_timestamp()
  where m.conversation_id = p_conversation_id
    and m.action_required
    and not m.action_completed
    and m.action_data -> 'buttons' @> '[{"action": "proceed_to_payment"}]';
  update private.participants as p
  set version = p.version + 1
  where p.conversation_id = p_conversation_id;
end;
$$;
