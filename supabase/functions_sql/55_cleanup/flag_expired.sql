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
    from private.list_expired(v_me, p_account.flagged_until, now()) as expired
    join public.messages as m
      on m.conversation_id = expired.conversation_id and m.seq = expired.seq
    where not expired.is_expired
    order by expired.expires_at
    limit private.get_number('cleanup_batch')::integer
    for no key update of m skip locked
  )
  update public.messages as m
  set is_expired = true, updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq and not m.is_expired;
  get diagnostics v_count = row_count;

  update private.accounts as a
  set flagged_until = coalesce(
    (
      select min(left_over.expires_at)
      from private.list_expired(v_me, p_account.flagged_until, now()) as left_over
      where not left_over.is_expired
    ),
    now()
  )
  where a.user_id = v_me;
  return v_count;
end;
$$;

revoke all on function private.flag_expired(private.accounts)
from public, anon, authenticated, service_role;
