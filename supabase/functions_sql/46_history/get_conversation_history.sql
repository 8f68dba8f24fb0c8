-- RPC: the steps that a conversation took, oldest first; returns `[{conversation_id, version,
-- actor_role, action, from_state, to_state, details, created_at, effective_at, hash}]`;
-- `after_version` is a version of that list.
create or replace function public.get_conversation_history(
  conversation_id uuid,
  page_size integer default 100,
  after_version bigint default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_conversation_history(conversation_id, page_size, after_version);
$$;

-- A page of the steps that a conversation took, oldest first.
--
-- Definer: operators read it too, and for them there is no policy.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_conversation_history(
  p_conversation_id uuid,
  p_page_size integer,
  p_after_version bigint
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_limit constant integer := private.clamp_page_size(p_page_size, 100, 100);
begin
  perform private.require_history_reader(p_conversation_id);
  return coalesce(
    (
      select json_agg(row_to_json(page) order by page.version)
      from (
        select
          e.conversation_id, e.version, e.actor_role, e.action, e.from_state, e.to_state,
          e.details, e.created_at, e.effective_at, encode(e.hash, 'hex') as hash
        from public.conversation_events as e
        where e.conversation_id = p_conversation_id and e.version > coalesce(p_after_version, 0)
        order by e.version
        limit v_limit
      ) as page
    ),
    '[]'
  );
end;
$$;

-- Allows the members of a conversation and operators; for anybody else it does not exist.
--
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.require_history_reader(p_conversation_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.is_operator() then
    if exists (select from private.conversations as c where c.id = p_conversation_id) then
      return;
    end if;
  else
    perform private.require_user();
  end if;
  if not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
end;
$$;

grant execute on function public.get_conversation_history(uuid, integer, bigint)
to authenticated, service_role;
grant execute on function private.get_conversation_history(uuid, integer, bigint)
to authenticated, service_role;
