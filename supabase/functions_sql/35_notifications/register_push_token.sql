-- Registers one of the caller's devices for pushes. A device belongs to who registered it last.
--
-- Definer: clients have no write grant on any table.
-- Writes: push_tokens.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`.
create or replace function private.register_push_token(p_kind text, p_token text, p_keys jsonb)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_base64url constant text := '^[A-Za-z0-9_-]{16,128}=*$';
  v_me constant uuid := private.require_user();
  -- Our own server will call this address.
  v_fault constant text := private.find_url_fault(coalesce(p_token, ''));
begin
  if p_kind is distinct from 'web_push' then
    perform private.raise_input_invalid('kind', 'one_of', 'The kind is web_push.');
  end if;
  if v_fault is not null then
    perform private.raise_input_invalid('token', v_fault, 'Pass the endpoint of the device.');
  end if;
  if coalesce(p_keys ->> 'p256dh' !~ c_base64url or p_keys ->> 'auth' !~ c_base64url, true) then
    perform private.raise_input_invalid(
      'keys', 'web_push', 'Pass keys {p256dh, auth} of the PushSubscription.'
    );
  end if;
  perform private.lock_account(v_me);
  insert into private.push_tokens as t (user_id, kind, token, keys)
  values (
    v_me, p_kind, p_token,
    jsonb_build_object('p256dh', p_keys ->> 'p256dh', 'auth', p_keys ->> 'auth')
  )
  on conflict (token) do update set user_id = excluded.user_id, keys = excluded.keys;
  return json_build_object('registered', true);
end;
$$;

-- RPC: registers a device for pushes (`PushSubscription` of a browser: its endpoint as token, its
-- keys); returns `{registered}`.
create or replace function public.register_push_token(
  kind text,
  token text,
  keys jsonb default '{}'
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.register_push_token(kind, token, keys);
$$;

revoke all on function private.register_push_token(text, text, jsonb)
from public, anon, authenticated, service_role;
grant execute on function private.register_push_token(text, text, jsonb) to authenticated;
revoke all on function public.register_push_token(text, text, jsonb)
from public, anon, authenticated, service_role;
grant execute on function public.register_push_token(text, text, jsonb) to authenticated;
