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
