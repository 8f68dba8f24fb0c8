-- Stops pushes to one of the caller's devices, and deletes its waiting pushes.
--
-- Definer: clients have no write grant on any table.
-- Writes: push_tokens, push_outbox.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.unregister_push_token(p_token text)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  perform private.check_size(p_token, 'token', 2048);
  delete from private.push_tokens as t where t.user_id = v_me and t.token = p_token;
  return json_build_object('unregistered', found);
end;
$$;

-- RPC: stops pushes to a device; returns `{unregistered}`.
create or replace function public.unregister_push_token(token text)
returns json
language sql
set search_path = ''
as $$
  select private.unregister_push_token(token);
$$;

grant execute on function private.unregister_push_token(text) to authenticated;
grant execute on function public.unregister_push_token(text) to authenticated;
