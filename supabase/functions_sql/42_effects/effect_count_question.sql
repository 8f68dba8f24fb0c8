-- Counts the questions about the project details.
create or replace function private.effect_count_question(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
begin
  v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
    'questions', private.flow_count(v_conversation, 'questions') + 1
  );
  return v_conversation;
end;
$$;

revoke all on function private.effect_count_question(private.flow_step)
from public, anon, authenticated, service_role;
