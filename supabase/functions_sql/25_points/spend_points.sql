-- Takes points from an account and enters them in the ledger; nothing happens for a price of 0.
--
-- Sends charge themselves; see private.send_message.
-- Args: the locked account; the price; the most the user agrees to (null: any); the reason; the
-- message, if it is one.
-- Writes: accounts, points_ledger, and as tell_quota.
-- Errors: those of check_price.
create or replace function private.spend_points(
  p_account private.accounts,
  p_price integer,
  p_max_points integer,
  p_reason text,
  p_message_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_price > 0 then
    perform private.check_price(p_account, p_price, p_max_points);
    update private.accounts as a
    set points_balance = a.points_balance - p_price
    where a.user_id = p_account.user_id;
    insert into private.points_ledger (user_id, delta, reason, balance_after, message_id)
    values (
      p_account.user_id, -p_price, p_reason, p_account.points_balance - p_price, p_message_id
    );
    perform private.tell_quota(
      p_account.user_id, p_price, p_is_send => false,
      p_has_listener => exists (
        select from private.other_sessions as s where s.user_id = p_account.user_id
      )
    );
  end if;
end;
$$;

-- Refuses a price that the user does not agree to, or cannot pay.
--
-- Args: the locked account; the price in points; the most the user agrees to (null: any).
-- Errors: POINTS_LIMIT (402) `{needed, max_points}`, INSUFFICIENT_POINTS (402) `{needed, balance,
-- resets_at}`.
create or replace function private.check_price(
  p_account private.accounts,
  p_price integer,
  p_max_points integer
)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_price > p_max_points then
    perform private.raise_error(
      'POINTS_LIMIT', format('This costs %s points.', p_price),
      jsonb_build_object('needed', p_price, 'max_points', p_max_points), p_status => 402,
      p_hint => 'Ask the user, then call again with a higher max_points.'
    );
  end if;
  if p_price > p_account.points_balance then
    perform private.raise_error(
      'INSUFFICIENT_POINTS',
      format('This costs %s points and you have %s.', p_price, p_account.points_balance),
      jsonb_build_object(
        'needed', p_price,
        'balance', p_account.points_balance,
        'resets_at', private.quota_json(p_account) -> 'resets_at'
      ),
      p_status => 402, p_hint => 'Get points, or wait until the free messages come back.'
    );
  end if;
end;
$$;

-- Tells a user's devices that the quota changed.
--
-- The answer of a call has the quota already: quota_changed is for devices that did not call. The
-- notification quota_low is sent when a fifth of the free messages is left, and when none is;
-- points_low at a fifth of the balance after the newest credit, and when the balance no longer pays
-- for a message.
-- Args: the user; the points that were just spent (negative: given); whether a message was just
-- counted; whether another device may be listening.
-- Writes: notifications, push_outbox, realtime.messages. Events: quota_changed, notification.
create or replace function private.tell_quota(
  p_user_id uuid,
  p_spent bigint,
  p_is_send boolean,
  p_has_listener boolean
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_account private.accounts;
  v_free_left integer;
  v_is_quota_low boolean;
begin
  select a.* into v_account from private.accounts as a where a.user_id = p_user_id;
  v_free_left := v_account.daily_free_limit - v_account.messages_sent_today;
  v_is_quota_low := p_is_send and v_free_left in (0, v_account.daily_free_limit / 5);
  if p_has_listener and (v_is_quota_low or p_spent <> 0) then
    perform private.broadcast(
      array['quota_changed'], array['user:' || p_user_id], array[private.quota_json(v_account)]
    );
  end if;
  if v_is_quota_low then
    perform private.notify(
      p_user_id, 'quota_low', null, jsonb_build_object('free_left', v_free_left)
    );
  end if;
  if p_spent > 0 and (
    v_account.points_balance < v_account.points_per_message
    or v_account.points_high / 5
      between v_account.points_balance and v_account.points_balance + p_spent - 1
  ) then
    perform private.notify(
      p_user_id, 'points_low', null,
      jsonb_build_object('points_balance', v_account.points_balance)
    );
  end if;
end;
$$;

-- An account's quota as clients get it: `{daily_free_limit, used_today, free_left,
-- points_per_message, cost, points_balance, resets_at, timezone}`; cost is the price of the next
-- message in points.
create or replace function private.quota_json(p_account private.accounts)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_timezone constant text := (select r.quota_timezone from private.send_rules as r);
  -- The day never goes back, whatever time zone an operator sets.
  v_day constant date := greatest(
    (now() at time zone v_timezone)::date, p_account.quota_date
  );
  v_used constant integer := case
    when p_account.quota_date = v_day then p_account.messages_sent_today
    else 0
  end;
begin
  return jsonb_build_object(
    'daily_free_limit', p_account.daily_free_limit,
    'used_today', v_used,
    'free_left', greatest(p_account.daily_free_limit - v_used, 0),
    'points_per_message', p_account.points_per_message,
    'cost', case
      when v_used < p_account.daily_free_limit then 0
      else p_account.points_per_message
    end,
    'points_balance', p_account.points_balance,
    'resets_at', (v_day + 1)::timestamp at time zone v_timezone,
    'timezone', v_timezone
  );
end;
$$;
