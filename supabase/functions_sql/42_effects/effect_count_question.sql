-- Counts the questions about the project details.
create or replace function private.effect_count_question(p_step private.flow_step)
returns private.flow_step
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
    'questions', private.flow_count(v_conversation, 'questions') + 1
  );
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

revoke all on function private.effect_count_question(private.flow_step)
from public, anon, authenticated, service_role;
