-- Flags a batch of a user's expired messages and says how many.
--
-- The account remembers up to when everything is flagged, so that a login with nothing to do looks
-- at no message. Args: the locked account.
-- Locks, writes: messages (those that another session holds are left for the next time), accounts
-- (flagged_until).
create or replace function private.flag_expired(p_account private.accounts)
returns integer
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_me constant uuid := p_account.user_id;
  v_count integer;
begin
  with due as (
    select m.conversation_id, m.seq
    from public.messages as m
    where (m.sender_id = v_me or m.receiver_id = v_me)
      and m.expires_at between p_account.flagged_until and now()
      and m.scrubbed_at is null
      and not m.is_expired
    order by m.expires_at
    limit private.get_number('cleanup_batch')::integer
    for no key update skip locked
  )
  update public.messages as m
  set is_expired = true, updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;

  update private.accounts as a
  set flagged_until = coalesce(
    (
      select min(m.expires_at)
      from public.messages as m
      where (m.sender_id = v_me or m.receiver_id = v_me)
        and m.expires_at between p_account.flagged_until and now()
        and m.scrubbed_at is null
        and not m.is_expired
    ),
    now()
  )
  where a.user_id = v_me;
  return v_count;
end;
$$;

revoke all on function private.flag_expired(private.accounts)
from public, anon, authenticated, service_role;
