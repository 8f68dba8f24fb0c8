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
declare
  v_me constant uuid := auth.uid();
begin
  -- The role of the request, not of this definer's owner; PostgREST sets it from the token.
  if auth.role() = 'service_role' then
    return;
  end if;
  if not exists (select from private.admins as a where a.user_id = v_me) then
    perform private.raise_error(
      'FORBIDDEN', 'This is for operators.', p_status => 403
    );
  end if;
end;
$$;

revoke all on function private.require_operator() from public, anon, authenticated, service_role;
