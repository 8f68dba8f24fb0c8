-- A user's messages that expired in a span of time and still hold their content, sent or received.
--
-- Two scans of an index each instead of one condition with "or", so that a span without any costs
-- nothing however much the user has written.
create or replace function private.list_expired(
  p_user_id uuid,
  p_from timestamptz,
  p_until timestamptz
)
returns table (conversation_id uuid, seq bigint, expires_at timestamptz, is_expired boolean)
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return query
  select m.conversation_id, m.seq, m.expires_at, m.is_expired
  from public.messages as m
  where m.sender_id = p_user_id
    and m.expires_at between p_from and p_until
    and m.scrubbed_at is null
  union all
  select m.conversation_id, m.seq, m.expires_at, m.is_expired
  from public.messages as m
  where m.receiver_id = p_user_id
    and m.expires_at between p_from and p_until
    and m.scrubbed_at is null;
end;
$$;

revoke all on function private.list_expired(uuid, timestamptz, timestamptz)
from public, anon, authenticated, service_role;
