-- RPC: the quota and the changes of points, newest first, in one call; returns `{quota, history,
-- version}`, or `{not_modified: true, version}` when the caller's is current.
create or replace function public.get_quota_screen(
  page_size integer default 20,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_quota_screen(page_size, known_version);
$$;

-- The quota: get_quota and get_points_history in one answer.
--
-- Definer: calls the workers of those functions, which read private tables.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for a malformed version.
create or replace function private.get_quota_screen(p_page_size integer, p_known_version text)
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
      'quota', private.get_quota(),
      'history', private.get_points_history(p_page_size, null)
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_quota_screen(integer, text) to authenticated;
grant execute on function private.get_quota_screen(integer, text) to authenticated;
