-- Registers one of the caller's devices for pushes; the ten newest stay registered. A device
-- belongs to the user who registered it last.
--
-- Definer: clients have no write grant on any table.
-- Locks: the caller's account. Writes: push_tokens, push_outbox (pushes of a device that is
-- deregistered).
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`.
create or replace function private.register_push_token(p_kind text, p_token text, p_keys jsonb)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  c_max_devices constant integer := 10;
  -- 65 and 16 bytes in base64url (RFC 8291, section 3).
  c_p256dh constant text := '^[A-Za-z0-9_-]{87}=?$';
  c_auth constant text := '^[A-Za-z0-9_-]{22}(==)?$';
  v_me constant uuid := private.require_user();
  -- The app calls this address.
  v_fault constant text := private.find_url_fault(coalesce(p_token, ''));
begin
  if p_kind is distinct from 'web_push' then
    perform private.raise_input_invalid('kind', 'one_of', 'The kind is web_push.');
  end if;
  if v_fault is not null then
    perform private.raise_input_invalid('token', v_fault, 'Pass the endpoint of the device.');
  end if;
  if coalesce(p_keys ->> 'p256dh' !~ c_p256dh or p_keys ->> 'auth' !~ c_auth, true) then
    perform private.raise_input_invalid(
      'keys', 'web_push', 'Pass keys {p256dh, auth} of the PushSubscription.'
    );
  end if;
  perform private.lock_account(v_me);
  loop
    -- Pushes of the device's former owner are deleted with that owner's row.
    delete from private.push_tokens as t where t.token = p_token and t.user_id <> v_me;
    insert into private.push_tokens as t (user_id, kind, token, keys)
    values (
      v_me, p_kind, p_token,
      jsonb_build_object('p256dh', p_keys ->> 'p256dh', 'auth', p_keys ->> 'auth')
    )
    on conflict (token) do update set keys = excluded.keys, created_at = now()
    where t.user_id = v_me;
    -- Another user may register it at the same moment.
    exit when found;
  end loop;
  delete from private.push_tokens as t
  where t.id in (
    select old.id
    from private.push_tokens as old
    where old.user_id = v_me
    order by old.created_at desc, old.id
    offset c_max_devices
  );
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
set search_path = ''
as $$
  select private.register_push_token(kind, token, keys);
$$;

grant execute on function private.register_push_token(text, text, jsonb) to authenticated;
grant execute on function public.register_push_token(text, text, jsonb) to authenticated;
