-- Begins what opens a deal: the user in the role that it needs, and a repeat known by its
-- client_action_id.
--
-- Locks: the user's account, then the limit on actions. Writes: rate_limits.
-- Errors: AUTH_REQUIRED (401), PROFILE_INCOMPLETE (409), FORBIDDEN (403), RATE_LIMITED (429),
-- IDEMPOTENCY_MISMATCH (409).
create or replace function private.begin_deal(p_role text, p_client_action_id uuid, p_request jsonb)
returns private.action_call
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_call private.action_call;
begin
  v_call.actor_id := private.require_role(p_role);
  v_call.role := p_role;
  -- A block waits for it, and so came before or finds the deal.
  perform private.lock_account(v_call.actor_id);
  perform private.limit_rate(v_call.actor_id, 'action');
  v_call.request := p_request;
  v_call.client_action_id := p_client_action_id;
  v_call.earlier := private.find_earlier_action(
    v_call.actor_id, p_client_action_id, p_request
  );
  return v_call;
end;
$$;

revoke all on function private.begin_deal(text, uuid, jsonb)
from public, anon, authenticated, service_role;
