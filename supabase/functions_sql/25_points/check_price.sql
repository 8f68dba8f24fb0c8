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
security invoker
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

revoke all on function private.check_price(private.accounts, integer, integer)
from public, anon, authenticated, service_role;
