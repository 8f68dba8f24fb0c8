-- Refuses to invite whoever is no influencer; whoever is one stays until the deal is made.
--
-- Locks: the influencer's account, against its removal.
-- Errors: USER_NOT_FOUND (404), INPUT_INVALID (422) `{field: "influencer_id", rule: "influencer"}`.
create or replace function private.check_influencer(p_user_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
begin
  select u.* into v_user
  from public.users as u
  join private.accounts as a on a.user_id = u.id
  where u.id = p_user_id
  for key share of a;
  if not found then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;
  if v_user.role is distinct from 'influencer' then
    perform private.raise_input_invalid(
      'influencer_id', 'influencer', 'Only influencers can be invited.'
    );
  end if;
end;
$$;

revoke all on function private.check_influencer(uuid)
from public, anon, authenticated, service_role;
