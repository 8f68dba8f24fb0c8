-- Refuses an account that breaks a rule of its columns, as a CHECK of that name would.
--
-- Not CHECKs, because PostgreSQL plans each CHECK anew in every statement on the table, and every
-- send changes the account. A free send changes none of the columns named here.
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_account()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_broken constant text := case
    when not (new.phone ~ '^\+[1-9][0-9]{6,14}$') then 'phone_is_e164'
    when not (new.daily_free_limit >= 0) then 'daily_free_limit_is_a_count'
    when not (new.points_per_message >= 0) then 'points_per_message_is_a_price'
    when not (new.points_balance >= 0) then 'points_are_never_owed'
  end;
begin
  if v_broken is not null then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  return null;
end;
$$;

create or replace trigger check_account
after insert or update of phone, daily_free_limit, points_per_message, points_balance
on private.accounts
for each row execute function private.check_account();
