-- The answer to an action that was done, told to the user's own devices and kept for a repeat.
--
-- Args: the call; what became of it; what the client did, as for private.finish_action; whether a
-- deal was opened (null: that was not asked).
-- Writes: action_results, realtime.messages. Events: button_action, text_input.
create or replace function private.answer_action(
  p_call private.action_call,
  p_outcome private.flow_outcome,
  p_done jsonb,
  p_created boolean default null
)
returns jsonb
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_result jsonb := private.action_result(p_outcome, p_call.actor_id, p_call.role);
begin
  if p_created is not null then
    v_result := v_result || jsonb_build_object('created', p_created);
  end if;
  perform private.broadcast(
    array[p_done ->> 'event'],
    array['user:' || p_call.actor_id],
    array[
      p_done - 'event' || jsonb_build_object(
        'conversation_id', (p_outcome.conversation).id,
        'message', v_result -> 'messages' -> -1,
        'flow_update', v_result -> 'flow_update',
        'conversation_context', private.conversation_headline(p_outcome.conversation)
          || jsonb_build_object('version', v_result -> 'conversation' -> 'version')
      )
    ]
  );
  perform private.keep_result(p_call, (p_outcome.conversation).id, v_result);
  return v_result;
end;
$$;

revoke all on function private.answer_action(
  private.action_call, private.flow_outcome, jsonb, boolean
) from public, anon, authenticated, service_role;
