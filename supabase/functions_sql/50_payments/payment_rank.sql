-- How far a payment's status is; null for one that is not known. A failure may still be followed by
-- an authorization: banks answer late.
--
-- Source: https://razorpay.com/docs/payments/payments/late-authorisation
create or replace function private.payment_rank(p_status text)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return array_position(
    array['created', 'failed', 'authorized', 'captured', 'refunded'], p_status
  );
end;
$$;

revoke all on function private.payment_rank(text) from public, anon, authenticated, service_role;
