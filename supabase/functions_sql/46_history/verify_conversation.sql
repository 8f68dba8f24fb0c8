-- RPC: proves that a conversation's history is whole, for its members and operators; returns
-- `{valid, events, scrubbed, broken_at, head_hash}`. Keep head_hash to check later that the history
-- up to it is still the same.
create or replace function public.verify_conversation(conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.verify_conversation(conversation_id);
$$;

-- Whether a conversation's history is unchanged.
--
-- Definer: salts are private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.verify_conversation(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_history_reader(p_conversation_id);
  return private.check_history(p_conversation_id);
end;
$$;

-- Checks a conversation's history: `{valid, events, scrubbed, broken_at, head_hash}`, or null where
-- there is no such conversation.
--
-- Every version from 1 to the conversation's has one event; each begins in the state in which the
-- one before ended, and has the hash that follows from it; details and salt both exist and match
-- the commitment, or both are scrubbed; the newest ends in the conversation's state. broken_at is
-- the first version that breaks this, or that is missing.
create or replace function private.check_history(p_conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  with events as (
    select
      e.version,
      e.hash,
      e.to_state,
      row_number() over chain as position,
      num_nulls(e.details, s.salt) = 2 as is_scrubbed,
      e.from_state = coalesce(lag(e.to_state) over chain, e.from_state)
        and e.hash = private.hash_event(e, lag(e.hash) over chain)
        and case num_nulls(e.details, s.salt)
          when 0 then e.commitment = private.commit_to_details(s.salt, e.details)
          else num_nulls(e.details, s.salt) = 2
        end as fits
    from public.conversation_events as e
    left join private.event_salts as s
      on s.conversation_id = e.conversation_id and s.version = e.version
    where e.conversation_id = p_conversation_id
    window chain as (order by e.version)
  ),
  total as (
    select
      count(*) as events,
      count(*) filter (where e.is_scrubbed) as scrubbed,
      min(least(e.version, e.position)) filter (
        where not e.fits or e.version <> e.position
      ) as broken_at,
      coalesce(max(e.version), 0) as head
    from events as e
  )
  select jsonb_build_object(
    'valid', found.broken_at is null,
    'events', t.events,
    'scrubbed', t.scrubbed,
    'broken_at', found.broken_at,
    'head_hash', encode(newest.hash, 'hex')
  )
  from private.conversations as c
  cross join total as t
  left join events as newest on newest.version = t.head
  cross join lateral (
    select least(
      t.broken_at,
      case
        when t.head <> c.version then least(t.head, c.version) + 1
        when newest.to_state <> c.flow_state then t.head
      end
    ) as broken_at
  ) as found
  where c.id = p_conversation_id;
$$;

grant execute on function public.verify_conversation(uuid) to authenticated, service_role;
grant execute on function private.verify_conversation(uuid) to authenticated, service_role;
