-- One conversation as the caller sees it now.
--
-- Definer: reads private.my_conversations.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_conversation_context(
  p_conversation_id uuid,
  p_known_version bigint
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_context record;
begin
  perform private.require_user();
  select c.* into v_context
  from private.my_conversations as c
  where c.conversation_id = p_conversation_id;
  if not found then
    perform private.raise_conversation_not_found();
  end if;
  if v_context.version = p_known_version then
    return json_build_object('not_modified', true, 'version', v_context.version);
  end if;
  return row_to_json(v_context);
end;
$$;

-- RPC: a conversation's context, or `{not_modified: true, version}` when the caller's is current.
create or replace function public.get_conversation_context(
  conversation_id uuid,
  known_version bigint default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_conversation_context(conversation_id, known_version);
$$;

grant execute on function private.get_conversation_context(uuid, bigint) to authenticated;
grant execute on function public.get_conversation_context(uuid, bigint) to authenticated;
