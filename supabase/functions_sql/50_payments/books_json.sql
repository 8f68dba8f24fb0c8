-- The books of a deal beside its ledger, both in paise.
create or replace function private.books_json(p_conversation public.conversations)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'captured_minor', p_conversation.captured_minor,
    'held_minor', p_conversation.held_minor,
    'released_minor', p_conversation.released_minor,
    'fee_minor', p_conversation.fee_minor,
    'refunded_minor', p_conversation.refunded_minor,
    'charged_back_minor', p_conversation.charged_back_minor,
    'ledger_held_minor', private.ledger_balance(p_conversation.id, 'held'),
    'ledger_bounced_minor', private.ledger_balance(p_conversation.id, 'bounced')
  );
end;
$$;

revoke all on function private.books_json(public.conversations)
from public, anon, authenticated, service_role;
