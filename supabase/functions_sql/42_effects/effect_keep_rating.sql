-- Keeps the actor's rating where the other side cannot see it yet.
--
-- Writes: ratings.
create or replace function private.effect_keep_rating(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if not p_step.is_trial then
    insert into private.ratings (conversation_id, rater_id, rating, comment, created_at)
    values (
      (p_step.conversation).id, p_step.actor_id, (p_step.input -> 'rating')::integer,
      p_step.input ->> 'comment', p_step.at
    );
  end if;
  return p_step.conversation;
end;
$$;

revoke all on function private.effect_keep_rating(private.flow_step)
from public, anon, authenticated, service_role;
