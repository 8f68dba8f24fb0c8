-- Refuses every change or deletion of an offer, for every role.
--
-- Errors: 23001 (restrict_violation); no RPC causes it.
create or replace function private.keep_offers()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception 'offers are append-only: add the next one'
    using errcode = 'restrict_violation';
end;
$$;

create or replace trigger keep_offers
before update or delete or truncate on public.offers
for each statement execute function private.keep_offers();
