-- The effects on prices: offers, counter offers, and the price that is agreed on.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: offers, unless the step is a trial.
create or replace function private.affect_offers(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  v_offered_minor bigint;
begin
  case p_effect
    when 'make_offer' then
      v_offered_minor := (p_step.input -> 'price_minor')::bigint;
      v_deal.flow_data := v_deal.flow_data - array['counter', 'counter_minor']
        || private.money_json('offer', 'offer_minor', v_offered_minor)
        || jsonb_build_object(
          'negotiation_round', private.flow_count(v_deal.flow_data, 'negotiation_round') + 1
        );
    when 'make_counter' then
      v_offered_minor := (p_step.input -> 'price_minor')::bigint;
      v_deal.flow_data := v_deal.flow_data
        || private.money_json('counter', 'counter_minor', v_offered_minor);
    when 'hold_offer' then
      v_offered_minor := (v_deal.flow_data -> 'offer_minor')::bigint;
      v_deal.flow_data := v_deal.flow_data || '{"offer_is_final": true}';
    when 'finalize_offer' then
      v_deal.flow_data := v_deal.flow_data || '{"offer_is_final": true}';
    when 'agree_on_offer' then
      v_deal.amount_minor := (v_deal.flow_data -> 'offer_minor')::bigint;
    when 'agree_on_counter' then
      v_deal.amount_minor := (v_deal.flow_data -> 'counter_minor')::bigint;
    when 'agree_on_quote' then
      v_deal.amount_minor := (v_deal.flow_data -> 'quote_minor')::bigint;
    when 'count_return' then
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'returns');
  end case;

  if starts_with(p_effect, 'agree_on_') then
    v_deal.flow_data := v_deal.flow_data
      || private.money_json('agreed_amount', 'agreed_minor', v_deal.amount_minor);
  end if;
  if v_offered_minor is not null and not p_step.is_trial then
    insert into public.offers (
      conversation_id, version, round, made_by, amount_minor, currency, is_final, created_at
    )
    values (
      v_deal.id, v_deal.version, private.flow_count(v_deal.flow_data, 'negotiation_round'),
      p_step.role, v_offered_minor, v_deal.currency,
      coalesce((v_deal.flow_data -> 'offer_is_final')::boolean, false), p_step.at
    );
  end if;
  return v_deal;
end;
$$;
