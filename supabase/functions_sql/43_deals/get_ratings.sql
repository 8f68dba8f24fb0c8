-- The ratings of a deal, double-blind: the other side's is shown when both have rated, or after the
-- flow's rating_days.
--
-- Definer: ratings are private.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404).
create or replace function private.get_ratings(p_conversation_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_conversation constant private.conversations
    := private.read_conversation(p_conversation_id, v_me);
begin
  return (
    select jsonb_build_object(
      'mine', jsonb_agg(r.rated) filter (where r.is_mine) -> 0,
      'theirs', jsonb_agg(r.rated) filter (
        where not r.is_mine and (r.both or r.created_at <= now() - r.shown_after)
      ) -> 0
    )
    from (
      select
        g.rater_id = v_me as is_mine,
        count(*) over () = 2 as both,
        g.created_at,
        (f.rules ->> 'rating_days')::numeric * interval '24 hours' as shown_after,
        jsonb_build_object(
          'rating', g.rating, 'comment', g.comment, 'created_at', g.created_at
        ) as rated
      from private.ratings as g
      join private.flow_definitions as f on f.id = v_conversation.flow_id
      where g.conversation_id = v_conversation.id
    ) as r
  );
end;
$$;

-- RPC: the two ratings; returns `{mine, theirs}`, each `{rating, comment, created_at}` or null.
create or replace function public.get_ratings(conversation_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_ratings(conversation_id);
$$;

grant execute on function private.get_ratings(uuid) to authenticated;
grant execute on function public.get_ratings(uuid) to authenticated;
