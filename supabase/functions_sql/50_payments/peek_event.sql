-- What an event seems to be about, for those who look for it; `{}` when it cannot be read.
create or replace function private.peek_event(p_body bytea)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_event jsonb;
begin
  v_event := convert_from(p_body, 'UTF8')::jsonb;
  return jsonb_strip_nulls(jsonb_build_object(
    'event_type', left(v_event ->> 'event', 100),
    'razorpay_order_id', left(
      coalesce(
        v_event #>> '{payload,payment,entity,order_id}', v_event #>> '{payload,order,entity,id}'
      ),
      100
    )
  ));
exception
  when data_exception or program_limit_exceeded then
    return jsonb_build_object();
end;
$$;

revoke all on function private.peek_event(bytea) from public, anon, authenticated, service_role;
