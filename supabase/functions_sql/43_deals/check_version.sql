-- Refuses what a user decided on before the newest step of the flow. Messages, receipts and the
-- user's own preferences change a context's version too, but nothing that was decided on.
--
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
  v_version bigint;
  v_stepped_version bigint;
begin
  if p_expected_version is null then
    return;
  end if;
  select v.version, p.stepped_version into v_version, v_stepped_version
  from private.conversation_versions(p_conversation) as v
  join private.participants as p
    on p.conversation_id = p_conversation.id and p.user_id = v.user_id
  where v.user_id = p_user_id;
  if p_expected_version not between v_stepped_version and v_version then
    perform private.raise_error(
      'VERSION_CONFLICT', 'The conversation has moved on since you looked.',
      jsonb_build_object('version', v_version), p_status => 409,
      p_hint => 'Read the conversation again, then decide.'
    );
  end if;
end;
$$;

revoke all on function private.check_version(public.conversations, uuid, bigint)
from public, anon, authenticated, service_role;
