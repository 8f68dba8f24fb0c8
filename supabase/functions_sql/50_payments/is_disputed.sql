-- Whether the payer's bank disputes a payment, or has taken it back.
create or replace function private.is_disputed(p_payment_id text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.payment_disputes as d
    where d.payment_id = p_payment_id and d.status not in ('won', 'closed')
  );
end;
$$;
