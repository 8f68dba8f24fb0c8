-- Deals that wait for their payment, made as their parties make them. The functions last as long as
-- the session.

create function pg_temp.sign_in(p_user uuid) returns void
language sql
as $$
  select set_config('request.jwt.claims', json_build_object('sub', p_user)::text, true);
$$;

create function pg_temp.act(p_user uuid, p_deal uuid, p_action text, p_input jsonb default '{}')
returns void
language sql
as $$
  select pg_temp.sign_in(p_user);
  select public.take_action(p_deal, p_action, p_input);
$$;

create function pg_temp.make_unpaid_deal(p_influencer uuid, p_brand_owner uuid) returns uuid
language plpgsql
as $$
declare
  v_bid uuid;
  v_id uuid;
begin
  perform pg_temp.sign_in(p_influencer);
  v_bid := public.create_bid('Reels', 'Three reels', '4500') ->> 'id';
  perform pg_temp.sign_in(p_brand_owner);
  v_id := public.connect_bid(v_bid, '5000') #>> '{conversation,conversation_id}';
  perform pg_temp.act(p_influencer, v_id, 'accept_connection');
  perform pg_temp.act(
    p_brand_owner, v_id, 'send_project_details', '{"details": "Make three reels"}'
  );
  perform pg_temp.act(p_influencer, v_id, 'accept_project');
  perform pg_temp.act(p_brand_owner, v_id, 'send_price_offer', '{"price": 5000}');
  perform pg_temp.act(p_influencer, v_id, 'accept_price');
  perform pg_temp.act(p_brand_owner, v_id, 'proceed_to_payment');
  return v_id;
end;
$$;
