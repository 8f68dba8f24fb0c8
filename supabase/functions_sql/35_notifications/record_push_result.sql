-- Notes how a push went: sent, gone (the device will never take one again), or failed.
--
-- Definer: the outbox is private.
-- Writes: push_outbox, push_tokens.
-- Errors: INPUT_INVALID (422) for another result.
create or replace function private.record_push_result(p_push_id bigint, p_result text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
begin
  case p_result
    when 'sent' then
      delete from private.push_outbox as o where o.id = p_push_id;
    when 'gone' then
      delete from private.push_tokens as t
      where t.id = (select o.push_token_id from private.push_outbox as o where o.id = p_push_id);
    when 'failed' then
      null;  -- stays in the outbox until its next try
    else
      perform private.raise_input_invalid('result', 'one_of', 'sent, gone or failed.');
  end case;
  return json_build_object('push_id', p_push_id, 'result', p_result);
end;
$$;

-- RPC: service only; how a push went (sent, gone, failed); returns `{push_id, result}`.
create or replace function public.record_push_result(push_id bigint, result text)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.record_push_result(push_id, result);
$$;

revoke all on function private.record_push_result(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function private.record_push_result(bigint, text) to service_role;
revoke all on function public.record_push_result(bigint, text)
from public, anon, authenticated, service_role;
grant execute on function public.record_push_result(bigint, text) to service_role;
