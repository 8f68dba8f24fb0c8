-- Adds a message of the system itself, to both members.
--
-- Locks, writes: the conversation; and what store_message writes.
create or replace function private.append_system_message(p_conversation_id uuid, p_text text)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  c_system_user_id constant uuid := uuid '00000000-0000-0000-0000-000000000000';
  v_message public.messages;
begin
  v_message.sender_id := c_system_user_id;
  v_message.message := p_text;
  v_message.message_type := 'system';
  perform private.store_message(private.claim_seq(p_conversation_id, null), v_message);
end;
$$;

revoke all on function private.append_system_message(uuid, text)
from public, anon, authenticated, service_role;
