-- RPC: service only; records the result of a push (sent, gone, failed, unreachable); returns
-- `{push_id, result}`.
create or replace function public.record_push_result(push_id bigint, result text)
returns json
language sql
set search_path = ''
as $$
  select private.record_push_result(push_id, result);
$$;

-- Records the result of a push: sent, gone (the device takes no more pushes), failed, or
-- unreachable (its host did not answer in time).
--
-- A failed push stays in the outbox until its next try; a device that fails ten times in a row is
-- deleted. An unreachable host rests for a minute, then two, four and so on up to an hour.
-- Definer: the outbox is private.
-- Locks: the device, then its waiting pushes, in the order of the deletion of a device.
-- Writes: push_outbox, push_tokens, push_hosts.
-- Errors: INPUT_INVALID (422) for another result.
create or replace function private.record_push_result(p_push_id bigint, p_result text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_most constant integer := 10;
  c_rest constant interval := interval '1 minute';
  v_token private.push_tokens;
begin
  if p_result is null or p_result not in ('sent', 'gone', 'failed', 'unreachable') then
    perform private.raise_input_invalid(
      'result', 'one_of', 'sent, gone, failed or unreachable.'
    );
  end if;
  select t.* into v_token
  from private.push_tokens as t
  where t.id = (select o.push_token_id from private.push_outbox as o where o.id = p_push_id)
  for no key update;
  if p_result = 'sent' then
    delete from private.push_outbox as o where o.id = p_push_id;
    update private.push_tokens as t set failures = 0 where t.id = v_token.id and t.failures > 0;
    delete from private.push_hosts as h where h.host = v_token.host;
  elsif p_result = 'gone' or v_token.failures + 1 >= c_most then
    delete from private.push_tokens as t where t.id = v_token.id;
  else
    update private.push_tokens as t set failures = t.failures + 1 where t.id = v_token.id;
  end if;
  if p_result = 'unreachable' and v_token.host is not null then
    insert into private.push_hosts as h (host, cools_until)
    values (v_token.host, now() + c_rest)
    on conflict (host) do update
    set
      failures = h.failures + 1,
      cools_until = now() + least(c_rest * 2 ^ least(h.failures, 10), interval '1 hour');
  end if;
  return json_build_object('push_id', p_push_id, 'result', p_result);
end;
$$;

grant execute on function
  public.record_push_result(bigint, text), private.record_push_result(bigint, text)
to service_role;
