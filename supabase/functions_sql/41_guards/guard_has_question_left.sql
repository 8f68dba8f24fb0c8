-- Holds when the details may be questioned once more.
create or replace function private.guard_has_question_left(p_step private.flow_step)
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.flow_count(p_step.before, 'questions')
    < private.flow_rule(p_step.before, 'max_questions');
end;
$$;

revoke all on function private.guard_has_question_left(private.flow_step)
from public, anon, authenticated, service_role;
