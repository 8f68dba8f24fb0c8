-- The benchmark's deals, made as their parties make them, each with its work begun. Runs as the
-- superuser.

-- Deal d is conversation bench.deals.id, between an influencer and a brand owner of its own.
create table bench.deals (d bigint primary key, id uuid not null);
grant select on bench.deals to authenticated;

create function bench.sign_in(p_number bigint) returns void
language sql
as $$
  select set_config('request.jwt.claims', json_build_object('sub', bench.id(p_number))::text, true);
$$;

create function bench.make_deal(p_d bigint, p_influencer bigint, p_brand_owner bigint)
returns void
language plpgsql
as $$
declare
  v_bid uuid;
  v_id uuid;
begin
  insert into auth.users (id) values (bench.id(p_influencer)), (bench.id(p_brand_owner));
  perform bench.sign_in(p_influencer);
  perform public.complete_profile('influencer', 'Asha ' || p_d);
  v_bid := public.create_bid('Reels', 'Three reels', 4500) ->> 'id';
  perform bench.sign_in(p_brand_owner);
  perform public.complete_profile('brand_owner', 'Bharat ' || p_d);
  v_id := public.connect_bid(v_bid, 5000) #>> '{conversation,conversation_id}';
  perform bench.sign_in(p_influencer);
  perform public.take_action(v_id, 'accept_connection');
  perform bench.sign_in(p_brand_owner);
  perform public.take_action(v_id, 'send_project_details', '{"details": "Make three reels"}');
  perform bench.sign_in(p_influencer);
  perform public.take_action(v_id, 'accept_project');
  perform bench.sign_in(p_brand_owner);
  perform public.take_action(v_id, 'send_price_offer', '{"price": 5000}');
  perform bench.sign_in(p_influencer);
  perform public.take_action(v_id, 'accept_price');
  perform bench.sign_in(p_brand_owner);
  perform public.take_action(v_id, 'proceed_to_payment');
  perform private.operate(
    v_id, 'payment_captured',
    jsonb_build_object('payment_id', 'pay_' || p_d, 'amount_minor', 500000, 'currency', 'INR'),
    p_role => 'system'
  );
  perform bench.sign_in(p_influencer);
  perform public.take_action(v_id, 'start_work');
  insert into bench.deals values (p_d, v_id);
end;
$$;
