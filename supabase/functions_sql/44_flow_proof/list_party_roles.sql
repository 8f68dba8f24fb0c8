-- The roles that the two members of a conversation of this kind have in its flow.
create or replace function private.list_party_roles(p_kind text)
returns text[]
language sql
immutable
security invoker
set search_path = ''
as $$
  select case p_kind when 'direct' then '{member}' else '{influencer,brand_owner}' end::text[];
$$;

revoke all on function private.list_party_roles(text)
from public, anon, authenticated, service_role;
