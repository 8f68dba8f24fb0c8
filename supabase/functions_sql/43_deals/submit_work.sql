-- The influencer delivers: take_action with the action submit_work.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's limit on actions, then the conversation. Writes: as private.begin_action and
-- private.finish_action.
-- Errors: those of take_action.
create or replace function private.submit_work(
  p_conversation_id uuid,
  p_deliverables text,
  p_description text,
  p_submission_notes text,
  p_client_action_id uuid,
  p_attachments jsonb
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  return private.take_action(
    p_conversation_id, 'submit_work',
    jsonb_strip_nulls(jsonb_build_object(
      'deliverables', p_deliverables, 'description', p_description,
      'submission_notes', p_submission_notes, 'attachments', p_attachments
    )),
    p_client_action_id, null
  );
end;
$$;

-- RPC: submits the work; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.submit_work(
  conversation_id uuid,
  deliverables text,
  description text default null,
  submission_notes text default null,
  client_action_id uuid default null,
  attachments jsonb default null
)
returns json
language sql
set search_path = ''
as $$
  select private.submit_work(
    conversation_id, deliverables, description, submission_notes, client_action_id,
    attachments
  );
$$;

grant execute on function private.submit_work(uuid, text, text, text, uuid, jsonb) to authenticated;
grant execute on function public.submit_work(uuid, text, text, text, uuid, jsonb) to authenticated;
