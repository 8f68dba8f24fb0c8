-- A page of the caller's direct chats: get_conversations with the filter "direct".
--
-- Definer: as get_conversations.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for a broken cursor.
create or replace function private.get_direct_connections(p_page_size integer, p_cursor text)
returns json
language sql
stable
security definer
set search_path = ''
as $$
  select private.get_conversations(p_page_size, p_cursor, 'direct');
$$;

-- RPC: a page of the caller's direct chats; returns `{conversations, next_cursor}`.
create or replace function public.get_direct_connections(
  page_size integer default 10,
  cursor text default null
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.get_direct_connections(page_size, "cursor");
$$;

revoke all on function private.get_direct_connections(integer, text)
from public, anon, authenticated, service_role;
grant execute on function private.get_direct_connections(integer, text) to authenticated;
revoke all on function public.get_direct_connections(integer, text)
from public, anon, authenticated, service_role;
grant execute on function public.get_direct_connections(integer, text) to authenticated;
