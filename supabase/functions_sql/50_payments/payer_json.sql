-- What a checkout may fill in for the caller: `{name, email, contact}`; the e-mail is the token's.
create or replace function private.payer_json(p_user_id uuid)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'name', u.display_name, 'email', nullif(auth.jwt() ->> 'email', ''), 'contact', a.phone
    )
    from public.users as u
    left join private.accounts as a on a.user_id = u.id
    where u.id = p_user_id
  );
end;
$$;

revoke all on function private.payer_json(uuid) from public, anon, authenticated, service_role;
