-- The floor of row 12: asking to cancel work, and taking that back, with the rules of the flow
-- written out as a CASE where private.take_action reads them from rows. It is frozen: it calls the
-- helpers of ca6ad62 (locks, idempotency, history, broadcasts, notifications, the context), so it is
-- made in that revision's database only. What clients draw (:drawn_... and :offered_...) is put in as
-- constants, as that revision's flow draws it. Runs as the superuser.

-- A message of the step as it would be stored.
create function bench.note(
  p_conversation public.conversations,
  p_type text,
  p_visible_to text,
  p_text text,
  p_notification text default null,
  p_action_data jsonb default null
)
returns private.flow_note
language plpgsql
volatile
as $$
declare
  v_message public.messages;
begin
  v_message.id := gen_random_uuid();
  v_message.conversation_id := p_conversation.id;
  v_message.sender_id := uuid '00000000-0000-0000-0000-000000000000';
  v_message.receiver_id := case p_visible_to
    when 'influencer' then p_conversation.influencer_id
    else p_conversation.brand_owner_id
  end;
  v_message.message_type := p_type;
  v_message.visible_to := p_visible_to;
  v_message.message := p_text;
  v_message.action_required := p_action_data is not null;
  v_message.action_completed := false;
  if p_action_data is not null then
    v_message.action_data := p_action_data || jsonb_build_object(
      'flow_state', p_conversation.flow_state,
      'message_type', p_type,
      'visible_to', p_visible_to,
      'allowed_for', p_visible_to,
      'action_id', v_message.id,
      'expires_at', p_conversation.deadline_at
    );
  end if;
  return row(v_message, p_notification)::private.flow_note;
end;
$$;

-- take_action for the two actions of the peer, by the influencer.
create function bench.take_action(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb,
  p_client_action_id uuid,
  p_expected_version bigint default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_request constant jsonb := jsonb_build_object(
    'action', p_action, 'input', coalesce(p_input, '{}'), 'conversation_id', p_conversation_id
  );
  v_conversation public.conversations;
  v_step private.flow_step;
  v_row private.flow_transitions;
  v_earlier jsonb;
  v_resume jsonb;
  v_reason text;
  v_refund jsonb;
  v_minor bigint;
  v_actor_name text;
  v_notes private.flow_note[];
  v_stored public.messages[];
  v_update jsonb;
  v_result jsonb;
begin
  perform private.limit_rate(v_me, 'action');
  v_conversation := private.lock_conversation(p_conversation_id, v_me);
  v_earlier := private.find_earlier_action(v_me, p_client_action_id, v_request);
  if v_earlier is not null then
    return v_earlier;
  end if;
  if v_conversation.deadline_at <= clock_timestamp() then
    v_conversation := private.run_deadlines(v_conversation, false);
  end if;
  perform private.check_version(v_conversation, v_me, p_expected_version);
  if v_me <> v_conversation.influencer_id then
    perform private.raise_not_your_turn(v_conversation);
  end if;
  v_step.actor_id := v_me;
  v_step.role := 'influencer';
  v_step.action := p_action;
  v_step.reason := p_action;
  v_step.input := '{}';
  v_step.at := clock_timestamp();
  v_row.from_state := v_conversation.flow_state;
  select u.display_name into v_actor_name from public.users as u where u.id = v_me;

  case v_conversation.flow_state || ' ' || p_action
    when 'work_in_progress request_cancellation' then
      v_reason := private.clean_text(p_input ->> 'reason');
      if v_reason is not null then
        perform private.check_text(v_reason, 'reason');
        if char_length(v_reason) > 1000 then
          perform private.raise_input_invalid(
            'reason', 'max_length', 'At most 1000 characters.'
          );
        end if;
        v_step.input := jsonb_build_object('reason', v_reason);
      end if;
      v_refund := nullif(p_input -> 'refund_amount', 'null');
      if v_refund is not null then
        v_minor := private.to_minor(
          case jsonb_typeof(v_refund)
            when 'string' then private.read_price(v_refund #>> '{}')
            else v_refund::numeric
          end,
          'refund_amount'
        );
        perform private.check_refund(v_conversation, v_minor);
        v_step.input := v_step.input || jsonb_build_object(
          'refund_amount', private.rupees(v_minor), 'refund_amount_minor', v_minor
        );
      end if;
      v_row.name := 'T111';
      v_row.to_state := 'cancellation_requested';
      v_conversation.flow_data := v_conversation.flow_data - 'extension' || jsonb_build_object(
        'cancellation', jsonb_strip_nulls(jsonb_build_object(
          'by', 'influencer', 'refund_minor', v_minor, 'refund_amount', v_refund, 'reason', v_reason
        )),
        'resume', jsonb_build_object(
          'state', 'work_in_progress', 'work_status', v_conversation.work_status,
          'deadline_at', v_conversation.deadline_at
        )
      );
      v_conversation.deadline_at := v_step.at + interval '72 hours';
      v_conversation.awaiting_role := 'brand_owner';
    when 'cancellation_requested withdraw_cancellation' then
      v_resume := v_conversation.flow_data -> 'resume';
      if v_conversation.flow_data #>> '{cancellation,by}' <> 'influencer'
        or v_resume ->> 'state' <> 'work_in_progress' then
        perform private.raise_error(
          'GUARD_FAILED', 'This is not possible now.', p_status => 409
        );
      end if;
      v_row.name := 'T133';
      v_row.to_state := 'work_in_progress';
      v_conversation.flow_data := v_conversation.flow_data - array['resume', 'cancellation'];
      v_conversation.work_status := v_resume ->> 'work_status';
      v_conversation.deadline_at := v_resume ->> 'deadline_at';
      v_conversation.awaiting_role := 'influencer';
    else
      perform private.raise_error(
        'ACTION_UNKNOWN', 'There is no such action in this conversation.', p_status => 422
      );
  end case;
  v_conversation.flow_state := v_row.to_state;
  v_conversation.entered_at := v_step.at;
  v_conversation.version := v_conversation.version + 1;

  v_notes := case v_row.name
    when 'T111' then array[
      bench.note(
        v_conversation, 'automated', 'brand_owner',
        v_actor_name || ' asks to cancel, with a refund of '
          || private.rupees_text(coalesce(v_minor, v_conversation.held_minor)) || '.'
          || coalesce(' Reason: ' || v_reason, ''),
        'action_required', :drawn_asked
      ),
      bench.note(v_conversation, 'audit', 'influencer', 'You asked to cancel.')
    ]
    else array[
      bench.note(
        v_conversation, 'system', 'brand_owner',
        v_actor_name || ' no longer asks to cancel.', 'work'
      ),
      bench.note(
        v_conversation, 'automated', 'influencer',
        'The work goes on, due on '
          || to_char(v_conversation.delivery_due_at at time zone 'UTC', 'FMDD Mon YYYY') || '.',
        null, :drawn_resumed
      )
    ]
  end;
  update public.messages as m
  set
    action_completed = true,
    action_data = m.action_data || jsonb_build_object(
      'completed_by', 'influencer', 'completed_action', p_action
    ),
    updated_at = clock_timestamp()
  where m.conversation_id = v_conversation.id and m.action_required and not m.action_completed;
  v_conversation := private.store_conversation(v_conversation, v_notes);
  with stored as (
    insert into public.messages as m (
      conversation_id, seq, id, sender_id, receiver_id, message, message_type, visible_to,
      action_required, action_data, created_at, updated_at
    )
    select
      v_conversation.id, v_conversation.last_seq - cardinality(v_notes) + n.place,
      (n.message).id, (n.message).sender_id, (n.message).receiver_id, (n.message).message,
      (n.message).message_type, (n.message).visible_to, (n.message).action_required,
      (n.message).action_data, v_conversation.last_message_at, v_conversation.last_message_at
    from unnest(v_notes) with ordinality as n (message, notification, place)
    returning m
  )
  select array_agg(stored.m order by (stored.m).seq) into v_stored from stored;

  v_step.conversation := v_conversation;
  perform private.append_event(
    v_step, v_row.from_state,
    jsonb_build_object('transition', v_row.name, 'reason', p_action, 'input', v_step.input)
  );
  perform private.announce_step(v_conversation, v_step, v_row, v_stored);
  perform private.notify_of_step(v_conversation, v_notes);

  v_update := jsonb_build_object(
    'previous_state', v_row.from_state,
    'new_state', v_row.to_state,
    'awaiting_role', v_conversation.awaiting_role,
    'reason', p_action,
    'path', jsonb_build_array(v_row.to_state)
  );
  v_result := jsonb_build_object(
    'success', true,
    'conversation', (
      select to_jsonb(c)
      from private.my_conversations as c
      where c.conversation_id = p_conversation_id
    ),
    'messages', private.messages_for(v_stored, v_me),
    'actions', (
      select jsonb_agg(
        a.value || jsonb_build_object('deadline_at', v_conversation.deadline_at)
        order by a.ordinality
      )
      from jsonb_array_elements(
        case v_row.name when 'T111' then :offered_asked else :offered_resumed end
      ) with ordinality as a
    ),
    'flow_update', v_update
  );
  perform private.broadcast(
    array['button_action'],
    array['user:' || v_me],
    array[
      jsonb_build_object(
        'button_id', p_action,
        'conversation_id', p_conversation_id,
        'message', v_result -> 'messages' -> -1,
        'flow_update', v_update,
        'conversation_context', private.conversation_headline(v_conversation)
          || jsonb_build_object('version', v_result -> 'conversation' -> 'version')
      )
    ]
  );
  if p_client_action_id is not null then
    insert into private.action_results (
      user_id, client_action_id, conversation_id, request_hash, result
    )
    values (
      v_me, p_client_action_id, p_conversation_id, private.hash_request(v_request), v_result
    );
  end if;
  return v_result;
end;
$$;
grant execute on function bench.take_action(uuid, text, jsonb, uuid, bigint) to authenticated;
