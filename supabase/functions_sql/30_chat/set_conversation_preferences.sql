-- Archives, pins or mutes a conversation for the caller alone. Null: unchanged.
--
-- Archiving keeps the position of the newest message, so the next message brings the conversation
-- back. A muted_until in the past ends a mute.
-- Definer: clients have no write grant on any table.
-- Locks, writes: the caller's row of participants.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422) for a muted_until
-- that is infinite or more than 10 years ahead.
create or replace function private.set_conversation_preferences(
  p_conversation_id uuid,
  p_archived boolean,
  p_pinned boolean,
  p_muted_until timestamptz
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  if p_muted_until > now() + interval '10 years' or p_muted_until = '-infinity' then
    perform private.raise_input_invalid(
      'muted_until', 'range', 'Pass a time within the next 10 years, or one that is over.'
    );
  end if;
  update private.participants as p
  set
    archived_seq = case p_archived
      when true then c.last_seq
      when false then null
      else p.archived_seq
    end,
    pinned_at = case p_pinned
      when true then coalesce(p.pinned_at, now())
      when false then null
      else p.pinned_at
    end,
    muted_until = case
      when p_muted_until > now() then p_muted_until
      when p_muted_until is null then p.muted_until
    end,
    version = p.version + 1
  from private.conversations as c
  where c.id = p.conversation_id and p.conversation_id = p_conversation_id and p.user_id = v_me;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  return private.get_conversation_context(p_conversation_id, null);
end;
$$;

-- RPC: archives, pins, mutes for the caller; returns the conversation's context.
create or replace function public.set_conversation_preferences(
  conversation_id uuid,
  archived boolean default null,
  pinned boolean default null,
  muted_until timestamptz default null
)
returns json
language sql
set search_path = ''
as $$
  select private.set_conversation_preferences(conversation_id, archived, pinned, muted_until);
$$;

grant execute on function private.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
to authenticated;
grant execute on function public.set_conversation_preferences(uuid, boolean, boolean, timestamptz)
to authenticated;
