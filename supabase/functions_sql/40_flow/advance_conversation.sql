-- Takes one action in a conversation by the rows of its flow: the interpreter of flows.
--
-- It finds the row for the state, the role and the action; checks input and guards; enters the next
-- state; runs the effects; composes the row's messages; and takes the row's follow-up in the same
-- transaction: one of the system always, one of the actor when the first input has its fields.
-- Args: the step: its conversation, locked unless this is a trial, without a due deadline; actor,
-- action, input and time; and how it was made, for announce_step. A trial changes nothing outside
-- its answer. Returns the step with its results; the messages of a trial have no numbers.
-- Locks: the conversation's row must be locked already. Writes: as record_step, announce_step and
-- the effects.
-- Errors: those of refuse_action, refuse_turn, check_input, refuse_guard and of the effects; 20000
-- (case_not_found) for an unknown effect, which no published flow has.
create or replace function private.advance_conversation(
  p_step private.flow_step,
  p_event jsonb default null
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  -- More steps than any proved flow takes at once: a second safeguard beside the proof.
  c_most constant integer := 20;
  -- Guards about the turn are checked before the input.
  c_turn_guards constant text[] := array['is_awaited', 'is_requester', 'is_opener'];
  v_step private.flow_step := p_step;
  v_next private.conversations;
  v_rows private.flow_transitions[];
  v_row private.flow_transitions;
  v_state private.flow_states;
  v_guard text;
  v_held text[];
  v_failed text[];
  v_effect text;
  v_follower text;
  v_said integer;
  v_reason text;
begin
  v_step.from_state := (p_step.conversation).flow_state;
  v_step.path := '{}';
  v_step.effects := '{}';
  v_step.messages := '{}';
  v_step.notifications := '{}';
  for v_count in 1 .. c_most loop
    -- Find the row
    v_next := v_step.conversation;
    v_step.before := v_next;
    select
      f.rules,
      array(
        select t
        from private.flow_transitions as t
        where t.flow_id = v_next.flow_id
          and t.from_state = v_next.flow_state
          and t.role = v_step.role
          and t.action = v_step.action
        order by t.position
      )
    into v_step.rules, v_rows
    from private.flow_definitions as f
    where f.id = v_next.flow_id;
    if v_rows = '{}' then
      perform private.refuse_action(v_step);
    end if;
    v_held := '{}';
    foreach v_row in array v_rows loop
      foreach v_guard in array v_row.guards loop
        continue when v_guard <> all (c_turn_guards) or v_guard = any (v_held);
        if private.failed_guards(v_step, array[v_guard]) <> '{}' then
          perform private.refuse_turn(v_step, v_row, v_guard);
        end if;
        v_held := v_held || v_guard;
      end loop;
    end loop;
    v_step.input := private.check_input(
      v_next.flow_id, v_step.action, v_step.input, (v_step.conversation).id
    );
    foreach v_row in array v_rows loop
      v_failed := case
        when v_row.guards <@ v_held then '{}'
        else private.failed_guards(v_step, v_row.guards, v_row.to_state)
      end;
      exit when v_failed = '{}';
    end loop;
    if v_failed <> '{}' then
      perform private.refuse_guard(v_step, v_failed[1]);
    end if;
    v_step.withheld := '{}';
    if v_next.is_barred and v_step.role in ('influencer', 'brand_owner') then
      v_step := private.withhold_words(v_step, v_row.effects);
    end if;

    -- Enter the next state
    v_step.reason := replace(coalesce(v_row.reason, v_row.action), '{role}', v_step.role);
    v_reason := coalesce(v_reason, v_step.reason);
    if v_row.to_state <> v_row.from_state then
      select s.* into v_state
      from private.flow_states as s
      where s.flow_id = v_row.flow_id and s.state = v_row.to_state;
      v_next.flow_state := v_row.to_state;
      v_next.chat_status := private.chat_status_in(v_row.to_state);
      v_next.automation_enabled := v_next.chat_status = 'automated';
      v_next.entered_at := v_step.at;
      v_next.deadline_at := private.state_deadline(v_next, v_step.rules, v_state);
      v_next.work_status := coalesce(v_state.work_status, v_next.work_status);
    end if;
    v_next.awaiting_role := case v_row.awaiting
      when 'unchanged' then v_next.awaiting_role
      when 'other' then private.other_role(v_step.role)
      else v_row.awaiting
    end;
    v_next.version := v_next.version + 1;
    v_next.updated_at := v_step.at;
    if v_step.role = 'system' then
      if exists (
        select from private.flow_states as s
        where s.flow_id = v_row.flow_id
          and s.state = v_row.from_state
          and s.deadline_action = v_row.action
      ) then
        v_next.timed_at := v_step.at;
      end if;
    end if;
    v_step.conversation := v_next;
    foreach v_effect in array v_row.effects loop
      case
        when v_effect in (
          'make_offer', 'make_counter', 'hold_offer', 'finalize_offer', 'agree_on_offer',
          'agree_on_counter', 'agree_on_quote', 'count_return'
        ) then
          v_step.conversation := private.affect_offers(v_effect, v_step);
        when v_effect in (
          'start_work', 'store_submission', 'withdraw_submission', 'request_revision',
          'approve_work', 'propose_extension', 'accept_extension', 'drop_extension', 'keep_rating'
        ) then
          v_step.conversation := private.affect_work(v_effect, v_step);
        when v_effect in (
          'propose_cancellation', 'drop_cancellation', 'resume', 'open_dispute', 'escalate',
          'close_dispute', 'raise_alert'
        ) then
          v_step.conversation := private.affect_disputes(v_effect, v_step);
        when v_effect in (
          'open_order', 'note_attempt', 'hold_funds', 'bounce_payment', 'release_funds',
          'request_refund', 'request_agreed_refund', 'request_split_refund', 'retry_refund',
          'settle_refund', 'charge_back'
        ) then
          v_step.conversation := private.affect_money(v_effect, v_step);
        when v_effect in (
          'close', 'reopen', 'accept_request', 'reject_request', 'keep_details', 'count_question'
        ) then
          v_step.conversation := private.affect_requests(v_effect, v_step);
        else raise exception 'there is no effect %', v_effect using errcode = 'case_not_found';
      end case;
    end loop;

    -- Compose its messages, and find a follow-up
    v_follower := case when v_row.follow_up is not null
      then private.find_follower(v_row, v_step.role, p_step.input)
    end;
    v_said := cardinality(v_step.messages);
    v_step := private.compose_messages(v_step, v_row.name, v_follower is not null);
    if not v_step.is_trial then
      v_step := private.record_step(v_step, v_row, v_said);
    end if;
    v_step.path := v_step.path || v_row.to_state;
    v_step.effects := v_step.effects || v_row.effects;
    exit when v_follower is null;
    v_step.action := v_row.follow_up;
    v_step.role := v_follower;
    v_step.input := p_step.input;
    if v_follower = 'system' then
      v_step.actor_id := null;
      v_step.input := '{}';
    end if;
  end loop;

  v_step.actor_id := p_step.actor_id;
  v_step.role := p_step.role;
  v_step.action := p_step.action;
  v_step.reason := v_reason;
  if not v_step.is_trial then
    v_step.heard := private.announce_step(v_step, p_event);
  end if;
  return v_step;
end;
$$;

-- The role that takes a row's follow-up at once: the system whenever it can; the actor when the
-- first action's input has all the fields of the follow-up. Null: none.
create or replace function private.find_follower(
  p_row private.flow_transitions,
  p_role text,
  p_input jsonb
)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_role text;
begin
  select t.role into v_role
  from private.flow_transitions as t
  where t.flow_id = p_row.flow_id
    and t.from_state = p_row.to_state
    and t.action = p_row.follow_up
    and t.role in ('system', p_role)
  limit 1;
  if v_role <> 'system' and exists (
    select from private.flow_inputs as i
    where i.flow_id = p_row.flow_id
      and i.action = p_row.follow_up
      and i.required
      and coalesce(p_input -> i.field, 'null') = 'null'
  ) then
    return null;
  end if;
  return v_role;
end;
$$;

-- Across a block a step counts, but its texts are not delivered: moves a party's texts from the
-- step's input, which both sides read, to its withheld. Of that only the reason of a dispute is
-- stored, for operators. The links of the work stay, because an effect needs them.
create or replace function private.withhold_words(p_step private.flow_step, p_effects text[])
returns private.flow_step
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_words text[];
begin
  v_words := array(
    select i.field
    from private.flow_inputs as i
    where i.flow_id = (p_step.conversation).flow_id
      and i.action = p_step.action
      and i.type in ('text', 'textarea', 'email', 'file')
      and p_step.input ? i.field
      and not exists (
        select from private.flow_needs as n
        where n.name = any (p_effects) and n.field = i.field and n.is_required
      )
  );
  if v_words <> '{}' then
    v_step.withheld := p_step.input;
    v_step.input := p_step.input - v_words;
  end if;
  return v_step;
end;
$$;
