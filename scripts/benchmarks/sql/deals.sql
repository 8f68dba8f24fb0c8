-- Deals made as their parties make them, by the functions that the API offers. Runs as the superuser.

-- Deal d is between an influencer and a brand owner of its own.
create table bench.deals (
  d bigint primary key,
  id uuid not null,
  influencer bigint not null,
  razorpay_order_id text not null
);
grant select on bench.deals to authenticated;

create function bench.order_entity(p_order_id text, p_receipt text) returns jsonb
language sql
as $$
  select jsonb_build_object(
    'id', p_order_id, 'entity', 'order', 'amount', 500000, 'amount_paid', 0, 'amount_due', 500000,
    'currency', 'INR', 'receipt', p_receipt, 'status', 'created', 'attempts', 0,
    'notes', '[]'::jsonb, 'created_at', 1764000000
  );
$$;

create function bench.payment_entity(p_order_id text, p_kind text) returns jsonb
language sql
as $$
  select jsonb_build_object(
    'id', case p_kind when 'failed' then 'pay_F' else 'pay_P' end || right(p_order_id, 13),
    'entity', 'payment', 'amount', 500000, 'currency', 'INR', 'status', p_kind,
    'order_id', p_order_id, 'method', 'upi', 'amount_refunded', 0, 'refund_status', null,
    'captured', p_kind = 'captured', 'notes', '[]'::jsonb, 'fee', 11800, 'tax', 1800,
    'error_code', null, 'error_description', null, 'created_at', 1764000060
  );
$$;

-- The four events of a payment that failed once, as Razorpay sends them.
create function bench.event_body(p_order_id text, p_event text) returns text
language sql
as $$
  select encode(convert_to(jsonb_build_object(
    'entity', 'event', 'account_id', 'acc_T3stStudio0001', 'event', p_event,
    'created_at', 1764000064,
    'payload', jsonb_build_object('payment', jsonb_build_object('entity', bench.payment_entity(
      p_order_id, case p_event when 'order.paid' then 'captured' else split_part(p_event, '.', 2) end
    ))) || case p_event when 'order.paid' then jsonb_build_object('order', jsonb_build_object(
      'entity', bench.order_entity(p_order_id, null)
        || '{"status": "paid", "amount_paid": 500000, "amount_due": 0}'
    )) else '{}' end
  )::text, 'utf8'), 'base64');
$$;

-- Makes the next deal up to where it waits for its payment; returns its number.
create function bench.make_unpaid_deal() returns bigint
language plpgsql
as $$
declare
  v_influencer constant bigint := nextval('bench.deal_people');
  v_brand_owner constant bigint := nextval('bench.deal_people');
  v_order_id constant text := 'order_' || left(translate(gen_random_uuid()::text, '-', ''), 14);
  v_bid uuid;
  v_id uuid;
  v_order jsonb;
begin
  insert into auth.users (id) values (bench.id(v_influencer)), (bench.id(v_brand_owner));
  perform bench.sign_in(v_influencer);
  perform public.complete_profile('influencer', 'Asha ' || v_influencer);
  v_bid := public.create_bid('Reels', 'Three reels', '4500') ->> 'id';
  perform bench.sign_in(v_brand_owner);
  perform public.complete_profile('brand_owner', 'Bharat ' || v_brand_owner);
  v_id := public.connect_bid(v_bid, '5000') #>> '{conversation,conversation_id}';
  perform bench.sign_in(v_influencer);
  perform public.take_action(v_id, 'accept_connection');
  perform bench.sign_in(v_brand_owner);
  perform public.take_action(v_id, 'send_project_details', '{"details": "Make three reels"}');
  perform bench.sign_in(v_influencer);
  perform public.take_action(v_id, 'accept_project');
  perform bench.sign_in(v_brand_owner);
  perform public.take_action(v_id, 'send_price_offer', '{"price": 5000}');
  perform bench.sign_in(v_influencer);
  perform public.take_action(v_id, 'accept_price');
  perform bench.sign_in(v_brand_owner);
  perform public.take_action(v_id, 'proceed_to_payment');
  v_order := public.begin_payment(v_id);
  perform public.attach_payment_order(
    (v_order ->> 'payment_order_id')::uuid,
    bench.order_entity(v_order_id, v_order ->> 'receipt')
  );
  insert into bench.deals (d, id, influencer, razorpay_order_id)
  select coalesce(max(d), 0) + 1, v_id, v_influencer, v_order_id from bench.deals;
  return (select max(d) from bench.deals);
end;
$$;

-- Stores an event of a deal and acts on it; returns what came of it.
create function bench.take_event(p_d bigint, p_event text) returns text
language sql
as $$
  select public.process_payment_event((public.record_payment_event(
    translate(gen_random_uuid()::text, '-', ''), bench.event_body(d.razorpay_order_id, p_event)
  ) ->> 'event_row_id')::bigint) ->> 'outcome'
  from bench.deals as d
  where d.d = p_d;
$$;

-- Makes the next deal up to where its work has begun; returns its number.
create function bench.make_deal() returns bigint
language plpgsql
as $$
declare
  v_d constant bigint := bench.make_unpaid_deal();
begin
  perform bench.take_event(v_d, 'payment.captured');
  perform bench.sign_in(d.influencer), public.take_action(d.id, 'start_work')
  from bench.deals as d
  where d.d = v_d;
  return v_d;
end;
$$;
