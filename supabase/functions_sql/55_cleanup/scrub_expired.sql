-- Empties a batch of a user's messages that expired longer ago than the grace, and says how many.
--
-- The row and its number stay, its text and media go. Nothing goes from a conversation under a
-- legal hold, and nothing at all while setting expired_grace_days is null.
-- Locks, writes: messages.
create or replace function private.scrub_expired(p_user_id uuid)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_batch constant integer := private.get_number('cleanup_batch')::integer;
  v_grace constant interval :=
    private.get_number('expired_grace_days')::float8 * interval '1 day';
  v_count integer;
begin
  with due as (
    select m.conversation_id, m.seq
    from private.list_expired(p_user_id, '-infinity', now() - v_grace) as expired
    join public.messages as m
      on m.conversation_id = expired.conversation_id and m.seq = expired.seq
    where not exists (
      select from private.legal_holds as h where h.conversation_id = expired.conversation_id
    )
    order by expired.expires_at
    limit v_batch
    for update of m skip locked
  )
  update public.messages as m
  set message = '', media_url = null, is_expired = true, scrubbed_at = now(), updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;

-- The same for everybody's messages, also between logins that are gone or never come back.
--
-- Locks, writes: messages; rows that another session holds are passed over.
create or replace function private.scrub_everybodys(p_limit integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_grace constant interval :=
    private.get_number('expired_grace_days')::float8 * interval '1 day';
  v_count integer;
begin
  with due as (
    select m.conversation_id, m.seq
    from public.messages as m
    where m.expires_at <= now() - v_grace
      and m.scrubbed_at is null
      and not exists (
        select from private.legal_holds as h where h.conversation_id = m.conversation_id
      )
    order by m.expires_at
    limit p_limit
    for update of m skip locked
  )
  update public.messages as m
  set message = '', media_url = null, is_expired = true, scrubbed_at = now(), updated_at = now()
  from due
  where m.conversation_id = due.conversation_id and m.seq = due.seq;
  get diagnostics v_count = row_count;
  return v_count;
end;
$$;
