-- Whether a text of one user may reach another now: not across a block, in either direction, and
-- not to or from a deleted login.
--
-- Sends and steps read the answer from conversations.is_barred. A step across a block still counts;
-- its texts are dropped (private.withhold_words).
create or replace function private.may_reach(p_user_id uuid, p_other_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return not private.is_blocked(p_user_id, p_other_id) and 2 = (
    select count(*) from private.accounts as a where a.user_id in (p_user_id, p_other_id)
  );
end;
$$;

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
