-- Whether one of the two users blocks the other, in either direction.
create or replace function private.is_blocked(p_user_id uuid, p_other_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from public.blocks as b where b.blocker_id = p_user_id and b.blocked_id = p_other_id
  ) or exists (
    select from public.blocks as b where b.blocker_id = p_other_id and b.blocked_id = p_user_id
  );
end;
$$;
