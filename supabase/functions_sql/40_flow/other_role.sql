-- The role of the other party; null for whoever is none.
create or replace function private.other_role(p_role text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case p_role
    when 'influencer' then 'brand_owner'
    when 'brand_owner' then 'influencer'
    when 'member' then 'member'
  end;
end;
$$;

revoke all on function private.other_role(text) from public, anon, authenticated, service_role;
