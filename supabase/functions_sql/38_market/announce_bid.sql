-- Tells those who hear `bid:<id>` that a bid was closed or that there is one conversation more.
--
-- Args: a bid whose row this transaction holds, so that counts are told in their order.
-- Writes: what broadcast writes. Events: bid_changed
-- `{bid_id, status, conversations}`.
create or replace function private.announce_bid(p_bid_id uuid)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_payload constant jsonb := (
    select jsonb_build_object(
      'bid_id', b.id,
      'status', b.status,
      'conversations',
      (select count(*) from public.conversations as c where c.bid_id = b.id)
    )
    from public.bids as b
    where b.id = p_bid_id
  );
begin
  perform private.broadcast(array['bid_changed'], array['bid:' || p_bid_id], array[v_payload]);
end;
$$;

revoke all on function private.announce_bid(uuid) from public, anon, authenticated, service_role;
