-- Whether the caller is the service role, or a user that private.admins lists.
create or replace function private.is_operator()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  -- The role of the request, not of a definer's owner; PostgREST sets it from the token.
  return coalesce(auth.role() = 'service_role', false)
    or exists (select from private.admins as a where a.user_id = auth.uid());
end;
$$;
