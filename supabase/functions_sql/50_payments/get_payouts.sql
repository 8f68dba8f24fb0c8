-- RPC: the caller's own payouts, newest first; returns `[{id, conversation_id, amount_minor,
-- currency, status, reference, created_at, paid_at}]`; status: owed or paid; reference: of the
-- transfer.
create or replace function public.get_payouts(
  page_size integer default 50,
  before uuid default null
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.get_payouts(page_size, before);
$$;

-- The amounts that an influencer is owed and was paid.
--
-- Args: how many; an id of that list: the page continues after it.
-- Definer: payouts are private.
-- Errors: AUTH_REQUIRED (401).
create or replace function private.get_payouts(p_page_size integer, p_before uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
begin
  return coalesce(
    (
      select jsonb_agg(to_jsonb(page) order by page.created_at desc, page.id desc)
      from (
        select
          p.id, p.conversation_id, p.amount_minor, p.currency, p.status, p.reference,
          p.created_at, p.paid_at
        from private.payouts as p
        where p.influencer_id = v_me
          and (
            p_before is null
            or (p.created_at, p.id) < (
              select k.created_at, k.id from private.payouts as k
              where k.id = p_before and k.influencer_id = v_me
            )
          )
        order by p.created_at desc, p.id desc
        limit private.clamp_page_size(p_page_size, 50, 100)
      ) as page
    ),
    '[]'
  );
end;
$$;

grant execute on function public.get_payouts(integer, uuid), private.get_payouts(integer, uuid)
to authenticated;
