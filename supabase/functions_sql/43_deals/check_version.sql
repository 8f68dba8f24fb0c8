-- Refuses what a user decided on before the newest step of the flow. Messages, receipts and the
-- user's own preferences change a context's version too, but nothing that was decided on; a step
-- that is due counts as taken, as for whoever reads.
--
-- Args: the conversation, before the steps that are due are written; the user; the version that the
-- user saw (null: any).
-- Errors: VERSION_CONFLICT (409) `{version}`.
create or replace function private.check_version(
  p_conversation public.conversations,
  p_user_id uuid,
  p_expected_version bigint
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_stored bigint;
  v_stepped bigint;
  v_now bigint;
begin
  if p_expected_version is null then
    return;
  end if;
  select v.version, p.stepped_version into v_stored, v_stepped
  from private.conversation_versions(p_conversation) as v
  join private.participants as p
    on p.conversation_id = p_conversation.id and p.user_id = v.user_id
  where v.user_id = p_user_id;
  select v.version into v_now
  from private.conversation_versions(private.as_of_now(p_conversation)) as v
  where v.user_id = p_user_id;
  if p_expected_version not between v_stepped + v_now - v_stored and v_now then
    perform private.raise_error(
      'VERSION_CONFLICT', 'The conversation has moved on since you looked.',
      jsonb_build_object('version', v_now), p_status => 409,
      p_hint => 'Read the conversation again, then decide.'
    );
  end if;
end;
$$;

revoke all on function private.check_version(public.conversations, uuid, bigint)
from public, anon, authenticated, service_role;
