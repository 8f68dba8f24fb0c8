-- What an earlier try of the same action answered; null when there was none.
--
-- Args: the user; the client's id of the action; what is asked now.
-- Errors: IDEMPOTENCY_MISMATCH (409) when that id was for something else.
create or replace function private.find_earlier_action(
  p_user_id uuid,
  p_client_action_id uuid,
  p_request jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_earlier private.action_results;
begin
  if p_client_action_id is null then
    return null;
  end if;
  select r.* into v_earlier
  from private.action_results as r
  where r.user_id = p_user_id and r.client_action_id = p_client_action_id;
  if v_earlier.request_hash <> private.hash_request(p_request) then
    perform private.raise_error(
      'IDEMPOTENCY_MISMATCH', 'This client_action_id was used for another action.',
      p_status => 409, p_hint => 'Make a new id for each action; repeat one with its own.'
    );
  end if;
  return v_earlier.result;
end;
$$;

revoke all on function private.find_earlier_action(uuid, uuid, jsonb)
from public, anon, authenticated, service_role;
