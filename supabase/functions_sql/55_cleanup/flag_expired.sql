-- Flags a batch of a user's expired messages and says how many.
--
-- The account remembers up to when everything is flagged, so that a login with nothing to do looks
-- at no message. Args: the locked account.
-- Locks, writes: messages, accounts (flagged_until).
create or replace function private.flag_expired(p_account private.accounts)
returns integer
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_batch constant integer := private.get_setting('cleanup_batch')::integer;
  v_count integer;
  v_newest timestamptz;
begin
  with due as (
    select m.conversation_id, m.seq, m.expires_at
    from public.messages as m
    where (m.sender_id = p_account.user_id or m.receiver_id = p_account.user_id)
      and m.expires_at is not null
      and m.scrubbed_at is null
      and m.expires_at > p_account.flagged_until
      and m.expires_at <= now()
    order by m.expires_at
    limit v_batch
    for no key update skip locked
  ),
  flagged as (
    update public.messages as m
    set is_expired = true, updated_at = now()
    from due
    where m.conversation_id = due.conversation_id and m.seq = due.seq and not m.is_expired
    returning 1
  )
  select
    (select count(*) from flagged),
    case when count(*) < v_batch then now() else max(due.expires_at) end
  into v_count, v_newest
  from due;

  update private.accounts as a
  set flagged_until = v_newest
  where a.user_id = p_account.user_id;
  return v_count;
end;
$$;

revoke all on function private.flag_expired(private.accounts)
from public, anon, authenticated, service_role;
