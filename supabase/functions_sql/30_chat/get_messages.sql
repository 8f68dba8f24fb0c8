-- A page of a conversation's messages that the caller may read now.
--
-- Definer: one look at the membership instead of a policy for each row.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), MESSAGE_NOT_FOUND (404) when
-- `before` is no message of this conversation, INPUT_INVALID (422) for two directions at once.
create or replace function private.get_messages(
  p_conversation_id uuid,
  p_page_size integer,
  p_before_seq bigint,
  p_after_seq bigint,
  p_before uuid
)
returns setof private.my_messages
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_limit constant integer := private.clamp_page_size(p_page_size, 50, 100);
  -- A number and not a null test, which would keep the index from being used for it.
  v_before_seq bigint := coalesce(p_before_seq, 9223372036854775807);
begin
  perform private.require_user();
  if not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
  if num_nonnulls(p_before_seq, p_after_seq, p_before) > 1 then
    perform private.raise_input_invalid(
      'before_seq', 'one_position', 'Give one of before_seq, after_seq and before.'
    );
  end if;

  if p_after_seq is not null then
    return query
    select m.* from private.my_messages as m
    where m.conversation_id = p_conversation_id and m.seq > p_after_seq
    order by m.seq
    limit v_limit;
    return;
  end if;

  if p_before is not null then
    -- A message that has expired, or that only the other side sees, still marks a position.
    select m.seq into v_before_seq
    from public.messages as m
    where m.id = p_before and m.conversation_id = p_conversation_id;
    if not found then
      perform private.raise_error(
        'MESSAGE_NOT_FOUND', 'There is no such message in this conversation.', p_status => 404
      );
    end if;
  end if;
  return query
  select m.* from private.my_messages as m
  where m.conversation_id = p_conversation_id and m.seq < v_before_seq
  order by m.seq desc
  limit v_limit;
end;
$$;

-- RPC: a page of messages, newest first; oldest first with after_seq.
create or replace function public.get_messages(
  conversation_id uuid,
  page_size integer default 50,
  before_seq bigint default null,
  after_seq bigint default null,
  before uuid default null
)
returns setof public.chat_message
language sql
stable
security invoker
set search_path = ''
as $$
  select * from private.get_messages(conversation_id, page_size, before_seq, after_seq, before);
$$;

revoke all on function private.get_messages(uuid, integer, bigint, bigint, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.get_messages(uuid, integer, bigint, bigint, uuid)
to authenticated;
revoke all on function public.get_messages(uuid, integer, bigint, bigint, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.get_messages(uuid, integer, bigint, bigint, uuid)
to authenticated;
