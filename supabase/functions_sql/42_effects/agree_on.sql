-- A conversation with the price that its flow_data has under a key, in paise, as the agreed one.
create or replace function private.agree_on(p_conversation public.conversations, p_key text)
returns public.conversations
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  p_conversation.amount_minor := (p_conversation.flow_data -> p_key)::bigint;
  p_conversation.flow_data := p_conversation.flow_data
    || private.money_json('agreed_amount', 'agreed_minor', p_conversation.amount_minor);
  return p_conversation;
end;
$$;

revoke all on function private.agree_on(public.conversations, text)
from public, anon, authenticated, service_role;
