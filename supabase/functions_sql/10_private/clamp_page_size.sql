-- How many rows a page has: what was asked, the default when nothing was, at least 1, at most max.
create or replace function private.clamp_page_size(
  p_page_size integer,
  p_default integer,
  p_max integer
)
returns integer
language sql
immutable
set search_path = ''
as $$
  select greatest(1, least(coalesce(p_page_size, p_default), p_max));
$$;
