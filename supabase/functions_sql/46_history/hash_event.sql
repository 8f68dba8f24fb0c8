-- The hash that an event of a conversation must have, from its columns and the hash before it.
--
-- sha256 of the hash before (nothing for the first event), the JSON array `[conversation_id,
-- version, actor_role, actor_id, action, from_state, to_state, created_at, effective_at]` with
-- times in microseconds since 1970 UTC, and the commitment. Clients that keep a head_hash rely on
-- this text: it never changes.
create or replace function private.hash_event(
  p_event public.conversation_events,
  p_previous_hash bytea
)
returns bytea
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return sha256(
    coalesce(p_previous_hash, '')
    || convert_to(
      json_build_array(
        p_event.conversation_id, p_event.version, p_event.actor_role, p_event.actor_id,
        p_event.action, p_event.from_state, p_event.to_state,
        trunc(extract(epoch from p_event.created_at) * 1000000),
        trunc(extract(epoch from p_event.effective_at) * 1000000)
      )::text,
      'utf8'
    )
    || p_event.commitment
  );
end;
$$;

revoke all on function private.hash_event(public.conversation_events, bytea)
from public, anon, authenticated, service_role;
