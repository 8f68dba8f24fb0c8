-- Takes due steps in all conversations, the longest due first, and empties messages whose grace is
-- over, for an operator. It is for conversations that nobody opens and for deleted logins; readers
-- see the current state without it.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversations, in the order of their ids, then messages; it skips rows that another
-- session has locked. Writes: messages, and as private.run_deadlines.
-- Errors: FORBIDDEN (403).
create or replace function private.sweep_due(p_max_rows integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  return jsonb_build_object(
    'deadlines_run', private.run_due(null, private.clamp_page_size(p_max_rows, 100, 1000)),
    'scrubbed', private.scrub_everybodys(private.clamp_page_size(p_max_rows, 100, 1000))
  );
end;
$$;

-- RPC: operators take due steps; returns `{deadlines_run, scrubbed}`.
create or replace function public.sweep_due(max_rows integer default 100)
returns jsonb
language sql
set search_path = ''
as $$
  select private.sweep_due(max_rows);
$$;

grant execute on function private.sweep_due(integer) to authenticated, service_role;
grant execute on function public.sweep_due(integer) to authenticated, service_role;
