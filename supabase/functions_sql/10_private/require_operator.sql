-- Lets through the service role, and users that private.admins lists.
--
-- Errors: FORBIDDEN (403).
create or replace function private.require_operator()
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if not private.is_operator() then
    perform private.raise_error(
      'FORBIDDEN', 'This is for operators.', p_status => 403
    );
  end if;
end;
$$;

revoke all on function private.require_operator() from public, anon, authenticated, service_role;
