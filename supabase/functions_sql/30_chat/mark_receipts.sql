-- Moves the caller's watermarks in one conversation and says where they are.
--
-- Returns `{read_seq, delivered_seq, unread_count}`.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.mark_receipts(
  p_conversation_id uuid,
  p_read_seq bigint,
  p_delivered_seq bigint
)
returns json
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  if not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
  perform private.advance_receipts(
    v_me, array[p_conversation_id], array[p_read_seq], array[p_delivered_seq]
  );
  return (
    select json_build_object(
      'read_seq', p.read_seq, 'delivered_seq', p.delivered_seq, 'unread_count', c.unread_count
    )
    from private.participants as p
    join private.my_conversations as c on c.conversation_id = p.conversation_id
    where p.conversation_id = p_conversation_id and p.user_id = v_me
  );
end;
$$;

revoke all on function private.mark_receipts(uuid, bigint, bigint)
from public, anon, authenticated, service_role;
