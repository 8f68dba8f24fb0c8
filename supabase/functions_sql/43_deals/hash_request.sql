-- The sha256 of what a user asked for: enough to know a repeat by, and nothing of what was typed.
create or replace function private.hash_request(p_request jsonb)
returns bytea
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return sha256(convert_to(p_request::text, 'utf8'));
end;
$$;

revoke all on function private.hash_request(jsonb) from public, anon, authenticated, service_role;
