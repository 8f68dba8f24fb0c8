-- An amount for flow_data: in rupees under one key, in paise under another.
create or replace function private.money_json(p_key text, p_minor_key text, p_minor bigint)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(p_key, private.rupees(p_minor), p_minor_key, p_minor);
end;
$$;

revoke all on function private.money_json(text, text, bigint)
from public, anon, authenticated, service_role;
