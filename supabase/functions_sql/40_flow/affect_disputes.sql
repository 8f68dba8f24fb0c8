-- The effects of interruptions: requests to cancel, disputes, and resuming after them.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: disputes, legal_holds, alerts, unless the step is a trial.
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}` for a refund of more than the deal holds.
create or replace function private.affect_disputes(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  v_origin constant text := case
    when p_effect = 'escalate' then 'clock'
    when p_step.role = 'system' then 'bank'
    when p_step.role = 'admin' then 'admin'
    else 'party'
  end;
  -- The party that asks for the pause, and the state of the deal at that time.
  v_asker constant text := case when p_step.role not in ('system', 'admin') then p_step.role end;
  v_pause jsonb;
begin
  if p_effect in ('propose_cancellation', 'open_dispute', 'escalate') then
    v_pause := jsonb_build_object(
      'state', (p_step.before).flow_state,
      'work_status', (p_step.before).work_status,
      'deadline_at', (p_step.before).deadline_at,
      'since', p_step.at,
      'by', v_asker
    );
  end if;
  case p_effect
    when 'propose_cancellation' then
      perform private.check_refund(v_deal, (p_step.input -> 'refund_amount_minor')::bigint);
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'cancellations');
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'cancellation', jsonb_strip_nulls(jsonb_build_object(
          'by', p_step.role,
          'refund_minor', p_step.input -> 'refund_amount_minor',
          'refund_amount', p_step.input -> 'refund_amount',
          'reason', p_step.input -> 'reason'
        )),
        'resume', v_pause
      );

    when 'drop_cancellation' then
      v_deal.flow_data := v_deal.flow_data - 'cancellation';

    when 'resume' then
      return private.resume_deal(p_step);

    when 'open_dispute', 'escalate' then
      if v_origin = 'party' then
        v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'disputes');
      end if;
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'dispute', jsonb_strip_nulls(jsonb_build_object(
          'origin', v_origin,
          'opened_by', case when v_origin = 'party' then p_step.role end,
          'reason', p_step.input -> 'reason'
        ))
      );
      -- A running pause continues; once both have asked for it, neither asked alone.
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'resume', case
          when not v_deal.flow_data ? 'resume' then v_pause
          when v_deal.flow_data #>> '{resume,by}' = v_asker then v_deal.flow_data -> 'resume'
          else v_deal.flow_data -> 'resume' || '{"by": null}'
        end
      );
      if not p_step.is_trial then
        insert into private.disputes (conversation_id, opened_by, origin, reason, opened_at)
        values (
          v_deal.id, p_step.actor_id, v_origin,
          -- For operators, who also read withheld texts.
          coalesce(p_step.input ->> 'reason', p_step.withheld ->> 'reason'), p_step.at
        )
        on conflict (conversation_id) where closed_at is null do update set origin = v_origin;
        insert into private.legal_holds (conversation_id, reason, placed_at)
        values (v_deal.id, 'dispute', p_step.at)
        on conflict (conversation_id) do nothing;
      end if;

    when 'close_dispute' then
      v_deal.flow_data := v_deal.flow_data - 'dispute';
      if not p_step.is_trial then
        update private.disputes as d
        set
          verdict = p_step.action,
          closed_by = p_step.actor_id,
          closed_at = p_step.at,
          note = p_step.input ->> 'note'
        where d.conversation_id = v_deal.id and d.closed_at is null;
        delete from private.legal_holds as h
        where h.conversation_id = v_deal.id and h.reason = 'dispute';
      end if;

    when 'raise_alert' then
      if not p_step.is_trial then
        perform private.open_alert(
          p_step.action, 'warning', concat_ws(':', p_step.action, v_deal.id), v_deal.id,
          jsonb_build_object('state', v_deal.flow_state, 'reason', p_step.reason)
        );
      end if;
  end case;
  return v_deal;
end;
$$;

-- Returns a deal to its state before a pause.
--
-- An awaited party that asked for the pause alone gets the old deadline back. Any other awaited
-- party gets the whole time of the state, and work at least the time of a revision. The delivery
-- date moves on by the pause, unless the influencer asked for it. When an operator ends the pause,
-- no party counts as having asked.
create or replace function private.resume_deal(p_step private.flow_step)
returns private.conversations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
  v_resume constant jsonb := v_deal.flow_data -> 'resume';
  v_asker constant text := case when p_step.role <> 'admin' then v_resume ->> 'by' end;
  v_pause constant interval := case
    when v_asker = 'influencer' then interval '0'
    -- Without days, because a day is not always 24 hours.
    else extract(epoch from p_step.at - (v_resume ->> 'since')::timestamptz) * interval '1 second'
  end;
begin
  v_deal.work_status := v_resume ->> 'work_status';
  v_deal.delivery_due_at := v_deal.delivery_due_at + v_pause;
  v_deal.flow_data := v_deal.flow_data - 'resume' || jsonb_build_object(
    'clock_from', (v_deal.flow_data ->> 'clock_from')::timestamptz + v_pause
  );
  if v_asker = v_deal.awaiting_role then
    v_deal.deadline_at := (v_resume ->> 'deadline_at')::timestamptz;
    return v_deal;
  end if;
  if v_deal.flow_state = 'work_in_progress' then
    v_deal.delivery_due_at := greatest(
      v_deal.delivery_due_at,
      p_step.at + (p_step.rules ->> 'revision_days')::numeric * interval '24 hours'
    );
  end if;
  v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);
  return v_deal;
end;
$$;
