-- The version of a conversation's context for each of its members, and whether that member has
-- muted it.
--
-- It grows with every change that the member can see: a step of the flow, a message that comes or
-- disappears, the member's own preferences and receipts, and the receipts that the other one
-- shares. An expiry and the step of a deadline add their time in microseconds, so that they count
-- before any call has written them. private.my_conversations computes the same; a test compares
-- them.
create or replace function private.conversation_versions(p_conversation private.conversations)
returns table (user_id uuid, version bigint, is_muted boolean)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_base constant bigint := private.base_version(p_conversation);
begin
  return query
  select
    me.user_id, v_base + me.version + other.shared_version,
    coalesce(me.muted_until > now(), false)
  from private.participants as me
  join private.participants as other
    on other.conversation_id = me.conversation_id and other.user_id <> me.user_id
  where me.conversation_id = p_conversation.id;
end;
$$;

-- The part of a context's version that is the same for both members.
create or replace function private.base_version(p_conversation private.conversations)
returns bigint
language plpgsql
stable
set search_path = ''
as $$
declare
  v_expired_at timestamptz;
begin
  select max(m.expires_at) into v_expired_at
  from public.messages as m
  where m.conversation_id = p_conversation.id and m.expires_at <= now();
  return p_conversation.version + p_conversation.last_seq
    + coalesce(extract(epoch from v_expired_at) * 1000000, 0)::bigint
    + coalesce(extract(epoch from p_conversation.timed_at) * 1000000, 0)::bigint;
end;
$$;
