-- The result that an action would have now: the interpreter runs it, but stores nothing and charges
-- no limit.
--
-- error is `{error_code, message, details}` or null; messages have no seq yet; effects are those of
-- docs/FLOW.md.
-- Definer: the flow is private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404). A refusal of the action is an answer.
create or replace function private.simulate_action(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_step private.flow_step;
  v_refusal text;
begin
  perform private.check_json(
    jsonb_build_object('action', p_action, 'input', p_input), 'input', 65536
  );
  v_step.conversation := private.as_of_now(private.read_conversation(p_conversation_id, v_me));
  v_step.actor_id := v_me;
  v_step.role := private.role_in(v_step.conversation, v_me);
  v_step.action := p_action;
  v_step.input := coalesce(p_input, '{}');
  v_step.at := now();
  v_step.is_trial := true;
  begin
    v_step := private.advance_conversation(v_step);
  exception
    when sqlstate 'PGRST' then
      get stacked diagnostics v_refusal = message_text;
      return jsonb_build_object(
        'allowed', false, 'error', private.refusal_json(v_refusal::jsonb), 'next_state', null,
        'awaiting_role', null, 'messages', '[]'::jsonb, 'effects', '[]'::jsonb
      );
  end;
  return jsonb_build_object(
    'allowed', true,
    'error', null,
    'next_state', (v_step.conversation).flow_state,
    'awaiting_role', (v_step.conversation).awaiting_role,
    'messages', (
      select coalesce(jsonb_agg(private.message_json(m)), '[]')
      from unnest(v_step.messages) as m
      where m.visible_to = 'all' or m.receiver_id = v_me
    ),
    'effects', to_jsonb(v_step.effects)
  );
end;
$$;

-- RPC: tries an action; returns `{allowed, error, next_state, awaiting_role, messages, effects}`.
create or replace function public.simulate_action(
  conversation_id uuid,
  action text,
  input jsonb default '{}'
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.simulate_action(conversation_id, action, input);
$$;

-- A refusal as private.raise_error wrote it, in the shape of an answer: `{error_code, message,
-- details}`.
create or replace function private.refusal_json(p_refusal jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'error_code', p_refusal -> 'code',
    'message', p_refusal -> 'message',
    'details', (p_refusal ->> 'details')::jsonb
  );
end;
$$;

grant execute on function private.simulate_action(uuid, text, jsonb) to authenticated;
grant execute on function public.simulate_action(uuid, text, jsonb) to authenticated;
