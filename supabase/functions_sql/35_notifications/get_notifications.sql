-- A page of the caller's notifications, newest first, for devices that were offline.
--
-- Definer: notifications are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_notifications(p_page_size integer, p_before bigint)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 50, 100);
begin
  return coalesce(
    (
      select json_agg(row_to_json(page) order by page.id desc)
      from (
        select n.id, n.type, n.conversation_id, n.message_id, n.data, n.created_at
        from private.notifications as n
        where n.user_id = v_me and n.id < coalesce(p_before, 9223372036854775807)
        order by n.id desc
        limit v_limit
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: the caller's notifications, newest first; returns `[{id, type, conversation_id, message_id,
-- data, created_at}]`; `before` is an id of that list.
create or replace function public.get_notifications(
  page_size integer default 50,
  before bigint default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_notifications(page_size, before);
$$;

grant execute on function private.get_notifications(integer, bigint) to authenticated;
grant execute on function public.get_notifications(integer, bigint) to authenticated;
