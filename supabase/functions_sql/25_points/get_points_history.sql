-- A page of the caller's ledger, newest first.
--
-- Definer: the ledger is private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_points_history(p_page_size integer, p_before bigint)
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
        select l.id, l.delta, l.reason, l.balance_after, l.message_id, l.created_at
        from private.points_ledger as l
        where l.user_id = v_me and l.id < coalesce(p_before, 9223372036854775807)
        order by l.id desc
        limit v_limit
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: the changes of the caller's points, newest first; returns
-- `[{id, delta, reason, balance_after, message_id, created_at}]`; `before` is an id of that list.
create or replace function public.get_points_history(
  page_size integer default 50,
  before bigint default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_points_history(page_size, before);
$$;

grant execute on function private.get_points_history(integer, bigint) to authenticated;
grant execute on function public.get_points_history(integer, bigint) to authenticated;
