-- The brand owner reviews the work: take_action with approve_work or request_revision.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: INPUT_INVALID (422) `{field, rule}` for another decision; and those of take_action.
create or replace function private.review_work(
  p_conversation_id uuid,
  p_decision text,
  p_feedback text,
  p_client_action_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_user();
  if p_decision is null or p_decision not in ('approve_work', 'request_revision') then
    perform private.raise_input_invalid(
      'decision', 'one_of', 'The decision is approve_work or request_revision.'
    );
  end if;
  return private.take_action(
    p_conversation_id, p_decision,
    jsonb_strip_nulls(jsonb_build_object('feedback', p_feedback)), p_client_action_id, null
  );
end;
$$;

-- RPC: approves the work or asks for a change; returns `{success, conversation, messages, actions,
-- flow_update}`.
create or replace function public.review_work(
  conversation_id uuid,
  decision text,
  feedback text default null,
  client_action_id uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.review_work(conversation_id, decision, feedback, client_action_id);
$$;

grant execute on function private.review_work(uuid, text, text, uuid) to authenticated;
grant execute on function public.review_work(uuid, text, text, uuid) to authenticated;
