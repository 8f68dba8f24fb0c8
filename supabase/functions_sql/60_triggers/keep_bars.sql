-- Maintains conversations.is_barred, which a send reads under the lock of the conversation instead
-- of searching for blocks and logins, and participants.blocks_other, for readers of marks.
--
-- Locks, writes: the pair's rows of conversations, in the order of their ids, and the blocker's of
-- participants; block_user has locked them before (private.lock_pair).
create or replace function private.keep_bars()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    perform private.mark_bars(old.blocker_id, old.blocked_id, false);
  else
    perform private.mark_bars(new.blocker_id, new.blocked_id, true);
  end if;
  return null;
end;
$$;

-- Locks, writes: conversations (is_barred), participants (the blocker's blocks_other).
create or replace function private.mark_bars(
  p_user_id uuid, p_other_id uuid, p_blocks_other boolean
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_is_barred constant boolean := not private.may_reach(p_user_id, p_other_id);
begin
  perform from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id) and c.user_b = greatest(p_user_id, p_other_id)
  order by c.id
  for no key update;
  update private.conversations as c
  set is_barred = v_is_barred
  where c.user_a = least(p_user_id, p_other_id)
    and c.user_b = greatest(p_user_id, p_other_id)
    and c.is_barred <> v_is_barred;
  update private.participants as p
  set blocks_other = p_blocks_other
  from private.conversations as c
  where c.user_a = least(p_user_id, p_other_id)
    and c.user_b = greatest(p_user_id, p_other_id)
    and p.conversation_id = c.id
    and p.user_id = p_user_id;
end;
$$;

-- Sets is_barred of a new conversation, by private.may_reach.
create or replace function private.mark_new_conversation()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.is_barred := not private.may_reach(new.user_a, new.user_b);
  return new;
end;
$$;

create or replace trigger keep_bars
after insert or delete on public.blocks
for each row execute function private.keep_bars();

create or replace trigger mark_new_conversation
before insert on private.conversations
for each row execute function private.mark_new_conversation();
