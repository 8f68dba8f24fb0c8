-- What both sides agreed on is to go back to the brand owner; nothing named means all.
--
-- Writes: refunds.
create or replace function private.effect_request_agreed_refund(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
begin
  return private.ask_refund(
    p_step,
    coalesce(
      ((p_step.conversation).flow_data #> '{cancellation,refund_minor}')::bigint,
      (p_step.conversation).held_minor
    )
  );
end;
$$;

revoke all on function private.effect_request_agreed_refund(private.flow_step)
from public, anon, authenticated, service_role;
