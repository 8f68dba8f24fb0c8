-- Whether words of one user may reach another now: not across a block, in either direction, and not
-- to or from a login that was deleted.
--
-- Whatever carries a text asks here before the other side is shown it: a pitch, a reason, notes, a
-- step's other free texts. A step across a block still counts; its words are kept for their author
-- and for operators, and are not delivered. private.send_message knows the same from the marks in
-- participants, and adds what holds for messages alone: the stranger's limit, quota and points.
-- How often a user may act at all is private.limit_rate's to say.
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
