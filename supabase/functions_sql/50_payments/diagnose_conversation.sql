-- Everything that an operator needs to see what became of a conversation's money: where the deal
-- is, its orders, payments, refunds, disputes, events, ledger and alerts, and what is wrong with
-- them.
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
  v_conversation public.conversations;
begin
  perform private.require_operator();
  select (private.as_of_now(c)).* into v_conversation
  from public.conversations as c
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

-- RPC: operators look into a conversation; returns `{conversation_id, kind, flow_state,
-- awaiting_role, deadline_at, amount_minor, currency, books, ledger, orders, payments,
-- refund_requests, refunds, disputes, events, payouts, alerts, audit, history, problems}`; problems
-- are sentences.
create or replace function public.diagnose_conversation(conversation_id uuid)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.diagnose_conversation(conversation_id);
$$;

revoke all on function private.diagnose_conversation(uuid)
from public, anon, authenticated, service_role;
grant execute on function private.diagnose_conversation(uuid) to authenticated, service_role;
revoke all on function public.diagnose_conversation(uuid)
from public, anon, authenticated, service_role;
grant execute on function public.diagnose_conversation(uuid) to authenticated, service_role;
