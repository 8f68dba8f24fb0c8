-- RPC: operators' list of payouts; returns `[{id, conversation_id, influencer_id, display_name,
-- amount_minor, currency, status, reference, created_at, paid_at, disputed}]`; disputed: the
-- payer's bank disputes the payment, or has taken the money back.
create or replace function public.list_payouts(
  status text default 'owed',
  page_size integer default 50,
  after uuid default null
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.list_payouts(status, page_size, after);
$$;

-- Amounts owed to influencers, oldest first; a person sends the money.
--
-- Args: owed or paid; how many; an id of that list: the page continues after it.
-- Definer: the books are private.
-- Errors: FORBIDDEN (403), INPUT_INVALID (422) for another status.
create or replace function private.list_payouts(p_status text, p_page_size integer, p_after uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  perform private.check_choice('status', p_status, array['owed', 'paid']);
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.created_at, page.id)
      from (
        select
          p.id, p.conversation_id, p.influencer_id, u.display_name, p.amount_minor, p.currency,
          p.status, p.reference, p.created_at, p.paid_at,
          exists (
            select from private.payment_orders as o
            join private.payments as m on m.payment_order_id = o.id
            where o.conversation_id = p.conversation_id and private.is_disputed(m.payment_id)
          ) as disputed
        from private.payouts as p
        join public.users as u on u.id = p.influencer_id
        where p.status = p_status
          and (
            p_after is null
            or (p.created_at, p.id) > (
              select k.created_at, k.id from private.payouts as k where k.id = p_after
            )
          )
        order by p.created_at, p.id
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

grant execute on function
  public.list_payouts(text, integer, uuid),
  private.list_payouts(text, integer, uuid)
to authenticated, service_role;
