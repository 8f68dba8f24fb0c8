-- RPC: a chat in one call: its context, its newest messages, newest first, the caller's actions,
-- and the quota; returns `{conversation, messages, actions, quota, version}`, or `{not_modified:
-- true, version}` when the caller's is current.
create or replace function public.get_chat_screen(
  conversation_id uuid,
  page_size integer default 50,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_chat_screen(conversation_id, page_size, known_version);
$$;

-- A chat: get_conversation_context, get_messages, get_available_actions, get_quota in one answer.
--
-- Definer: calls the workers of those functions, which read private tables.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422) for a malformed
-- version.
create or replace function private.get_chat_screen(
  p_conversation_id uuid,
  p_page_size integer,
  p_known_version text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  return private.screen_json(
    json_build_object(
      'conversation', private.get_conversation_context(p_conversation_id, null),
      'messages', (
        select coalesce(json_agg(row_to_json(m) order by m.seq desc), '[]')
        from private.get_messages(p_conversation_id, p_page_size, null, null, null) as m
      ),
      'actions', private.get_available_actions(p_conversation_id),
      'quota', private.get_quota()
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_chat_screen(uuid, integer, text) to authenticated;
grant execute on function private.get_chat_screen(uuid, integer, text) to authenticated;
