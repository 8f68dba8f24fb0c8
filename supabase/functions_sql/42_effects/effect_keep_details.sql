-- Keeps the project details and counts their versions; the history has the earlier ones.
create or replace function private.effect_keep_details(p_step private.flow_step)
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
    'project_details', p_step.input ->> 'details',
    'details_version', private.flow_count(v_conversation, 'details_version') + 1
  );
  return v_conversation;
end;
$$;

revoke all on function private.effect_keep_details(private.flow_step)
from public, anon, authenticated, service_role;
