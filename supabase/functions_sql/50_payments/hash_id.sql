-- The id of an event that came without a usable one: sha256 of its body.
create or replace function private.hash_id(p_sha256 bytea)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return 'sha256:' || encode(p_sha256, 'hex');
end;
$$;

revoke all on function private.hash_id(bytea) from public, anon, authenticated, service_role;
