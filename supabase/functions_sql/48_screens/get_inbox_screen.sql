-- RPC: the inbox in one call: a page of conversations, unread counts, the quota and the profile;
-- returns `{conversations, next_cursor, unread, quota, profile, version}`, or `{not_modified: true,
-- version}` when the caller's is current.
create or replace function public.get_inbox_screen(
  filter text default 'open',
  page_size integer default 20,
  cursor text default null,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_inbox_screen(filter, page_size, "cursor", known_version);
$$;

-- The inbox: get_conversations, get_unread_count, get_quota and get_profile in one answer.
--
-- Definer: calls the workers of those functions, which read private tables.
-- Errors: those of get_conversations, INPUT_INVALID (422) for a malformed version.
create or replace function private.get_inbox_screen(
  p_filter text,
  p_page_size integer,
  p_cursor text,
  p_known_version text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_page json;
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  v_page := private.get_conversations(p_page_size, p_cursor, p_filter);
  return private.screen_json(
    json_build_object(
      'conversations', v_page -> 'conversations',
      'next_cursor', v_page -> 'next_cursor',
      'unread', private.get_unread_count(),
      'quota', private.get_quota(),
      'profile', private.get_profile()
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_inbox_screen(text, integer, text, text) to authenticated;
grant execute on function private.get_inbox_screen(text, integer, text, text) to authenticated;
