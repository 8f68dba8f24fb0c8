-- An id of Razorpay's, such as pay_... or order_...; null where JSON has null or nothing.
--
-- Args: the value; what the id begins with.
-- Errors: 22023 for anything else.
create or replace function private.read_provider_id(p_value jsonb, p_prefix text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_id constant text := p_value #>> '{}';
begin
  if v_id is null then
    return null;
  end if;
  if jsonb_typeof(p_value) = 'string' and v_id ~ '^[a-z]+_[A-Za-z0-9]{1,40}$'
    and starts_with(v_id, p_prefix) then
    return v_id;
  end if;
  raise exception 'not an id that begins with %: %', p_prefix, left(p_value::text, 40)
    using errcode = 'invalid_parameter_value';
end;
$$;

revoke all on function private.read_provider_id(jsonb, text)
from public, anon, authenticated, service_role;
