-- Adds points to a user's balance. A repeated grant_id is the same grant and changes nothing.
--
-- Definer: clients have no write grant on any table.
-- Locks: the user's account. Writes: accounts, points_ledger. Events: quota_changed.
-- Errors: FORBIDDEN (403), also for points to oneself; USER_NOT_FOUND (404), INPUT_INVALID (422),
-- IDEMPOTENCY_MISMATCH (409) for a grant_id that was used for another grant.
create or replace function private.grant_points(
  p_user_id uuid,
  p_points bigint,
  p_reason text,
  p_grant_id uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reason text;
  v_balance bigint;
  v_entry private.points_ledger;
begin
  perform private.require_operator();
  if p_user_id = auth.uid() then
    perform private.raise_error(
      'FORBIDDEN', 'An operator grants themselves nothing.', p_status => 403,
      p_hint => 'Ask another operator.'
    );
  end if;
  v_reason := coalesce(nullif(private.read_text(p_reason, 'reason', 200), ''), 'grant');
  if p_points is null or p_points not between 1 and 1000000000 then
    perform private.raise_input_invalid('points', 'range', 'Grant 1 to 1,000,000,000 points.');
  end if;
  if p_grant_id is null then
    perform private.raise_input_invalid('grant_id', 'required', 'Pass an id for this grant.');
  end if;
  perform 1 from private.accounts as a where a.user_id = p_user_id for no key update;
  if not found then
    perform private.raise_error('USER_NOT_FOUND', 'There is no such user.', p_status => 404);
  end if;

  select l.* into v_entry from private.points_ledger as l where l.grant_id = p_grant_id;
  if not found then
    update private.accounts as a
    set
      points_balance = a.points_balance + p_points,
      points_high = a.points_balance + p_points
    where a.user_id = p_user_id
    returning a.points_balance into v_balance;
    insert into private.points_ledger (user_id, delta, reason, balance_after, grant_id)
    values (p_user_id, p_points, v_reason, v_balance, p_grant_id)
    -- Another call may use the same grant_id for another user, whose account is not locked here.
    on conflict (grant_id) do nothing
    returning * into v_entry;
    perform private.tell_quota(p_user_id, -p_points, p_is_send => false, p_has_listener => true);
  end if;
  if (v_entry.user_id, v_entry.delta, v_entry.reason)
    is distinct from (p_user_id, p_points, v_reason) then
    perform private.raise_error(
      'IDEMPOTENCY_MISMATCH', 'This grant_id was used for another grant.', p_status => 409
    );
  end if;
  return json_build_object(
    'id', v_entry.id, 'user_id', v_entry.user_id, 'delta', v_entry.delta,
    'reason', v_entry.reason, 'balance_after', v_entry.balance_after,
    'grant_id', v_entry.grant_id, 'created_at', v_entry.created_at
  );
end;
$$;

-- RPC: operators add points to a user's balance, once per grant_id; returns the ledger's entry.
create or replace function public.grant_points(
  user_id uuid,
  points bigint,
  reason text,
  grant_id uuid
)
returns json
language sql
set search_path = ''
as $$
  select private.grant_points(user_id, points, reason, grant_id);
$$;

grant execute on function private.grant_points(uuid, bigint, text, uuid)
to authenticated, service_role;
grant execute on function public.grant_points(uuid, bigint, text, uuid)
to authenticated, service_role;
