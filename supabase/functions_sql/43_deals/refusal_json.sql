-- A refusal as private.raise_error wrote it, in the shape of an answer: `{error_code, message,
-- details}`.
create or replace function private.refusal_json(p_refusal jsonb)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object(
    'error_code', p_refusal -> 'code',
    'message', p_refusal -> 'message',
    'details', (p_refusal ->> 'details')::jsonb
  );
end;
$$;

revoke all on function private.refusal_json(jsonb) from public, anon, authenticated, service_role;
