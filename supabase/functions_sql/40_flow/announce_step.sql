-- Tells both sides about a step and its follow-ups, in at most two events a side: the messages that
-- the side may see, and the new state.
--
-- The messages are one new_message, with the newest as `message`, all of them as `messages` where
-- there are several, and the notification. The actor has the answer of the call, so the actor's
-- topic gets events only where another session of the actor may listen; in a deal these are the
-- button or the text in place of new_message. Nobody is notified of their own step, or in a
-- conversation that they have muted.
-- Args: the step; how it was made, `{"event": "button_action", "button_id"}` or `{"event":
-- "text_input", "input_type"}` (null: as private.describe_action has it). Returns the messages that
-- the actor may see, as clients get them. Stores, for each side that gets an event, the version of
-- its context after the step; check_version compares with it. A rating of the other side does not
-- change it.
-- Writes: participants, notifications, push_outbox, realtime.messages.
-- Events: new_message, button_action, text_input, conversation_state_changed.
create or replace function private.announce_step(p_step private.flow_step, p_event jsonb)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  v_version constant bigint := private.base_version(v_conversation);
  v_messages constant jsonb[] := array(
    select private.message_json(m) from unnest(p_step.messages) as m order by m.seq
  );
  v_is_echoed constant boolean := p_step.actor_id is not null and exists (
    select from private.other_sessions as s where s.user_id = p_step.actor_id
  );
  v_message jsonb;
  v_member record;
  v_heard jsonb[];
  v_own_heard jsonb;
  v_note jsonb;
  v_payload jsonb;
  v_is_own boolean;
  v_event jsonb;
  v_events text[] := array[]::text[];
  v_topics text[] := array[]::text[];
  v_payloads jsonb[] := array[]::jsonb[];
begin
  for v_member in
    update private.participants as me
    set stepped_version = case
      when p_step.from_state <> v_conversation.flow_state
        or me.user_id is not distinct from p_step.actor_id
        or exists (
          select from unnest(v_messages) as m (message)
          where m.message ->> 'visible_to' = 'all'
            or m.message ->> 'receiver_id' = me.user_id::text
        )
        then v_version + me.version + other.shared_version
      else me.stepped_version
    end
    from private.participants as other
    where me.conversation_id = v_conversation.id
      and other.conversation_id = v_conversation.id
      and other.user_id <> me.user_id
    returning
      -- As private.conversation_versions.
      me.user_id, v_version + me.version + other.shared_version as version,
      'user:' || me.user_id as topic,
      coalesce(me.muted_until > now(), false) as is_muted,
      exists (
        select from private.push_tokens as t where t.user_id = me.user_id
      ) as has_device
  loop
    v_heard := '{}';
    v_note := null;
    v_is_own := v_member.user_id is not distinct from p_step.actor_id;
    for v_place in 1 .. cardinality(v_messages) loop
      v_message := v_messages[v_place];
      continue when v_message ->> 'visible_to' <> 'all'
        and v_message ->> 'receiver_id' <> v_member.user_id::text;
      v_heard := v_heard || v_message;
      if p_step.notifications[v_place] is not null and not v_is_own
        and not v_member.is_muted then
        v_note := jsonb_build_object(
          'type', p_step.notifications[v_place],
          'data', jsonb_build_object(
            'conversation_id', v_conversation.id,
            'message_id', v_message -> 'id',
            'sender_id', v_message -> 'sender_id',
            'flow_state', v_conversation.flow_state,
            'awaiting_role', v_conversation.awaiting_role
          )
        );
      end if;
    end loop;

    if v_is_own then
      v_own_heard := to_jsonb(v_heard);
      continue when not v_is_echoed;
      if v_conversation.kind <> 'direct' then
        v_event := coalesce(p_event, private.describe_action(v_conversation, p_step.action));
      end if;
    end if;
    if v_heard <> '{}' or v_is_own and v_event is not null then
      v_payload := jsonb_build_object(
        'conversation_id', v_conversation.id,
        -- The compact part of a context.
        'conversation_context', jsonb_build_object(
          'flow_state', v_conversation.flow_state,
          'chat_status', v_conversation.chat_status,
          'awaiting_role', v_conversation.awaiting_role,
          'last_seq', v_conversation.last_seq,
          'version', v_member.version
        ),
        'message', v_heard[cardinality(v_heard)],
        'notification', v_note
      );
      if cardinality(v_heard) > 1 then
        v_payload := v_payload || jsonb_build_object('messages', v_heard);
      end if;
      if v_is_own and v_event is not null then
        v_events := v_events || (v_event ->> 'event');
        v_payload := v_payload - 'notification' || (v_event - 'event')
          || jsonb_build_object('flow_update', private.flow_update_json(p_step));
      else
        v_events := v_events || 'new_message'::text;
      end if;
      v_payloads := v_payloads || v_payload;
      v_topics := v_topics || v_member.topic;
    end if;
    if p_step.from_state <> v_conversation.flow_state then
      v_events := v_events || 'conversation_state_changed'::text;
      v_payloads := v_payloads || jsonb_build_object(
        'conversation_id', v_conversation.id,
        'previous_state', p_step.from_state,
        'new_state', v_conversation.flow_state,
        'reason', p_step.reason,
        'timestamp', p_step.at
      );
      v_topics := v_topics || v_member.topic;
    end if;
    if v_note is not null then
      insert into private.notifications (user_id, type, conversation_id, message_id, data)
      values (
        v_member.user_id, v_note ->> 'type', v_conversation.id,
        (v_note #>> '{data,message_id}')::uuid,
        (v_note -> 'data') - array['conversation_id', 'message_id']
      );
      if v_member.has_device then
        perform private.queue_push(v_member.user_id, v_note ->> 'type', v_note -> 'data');
      end if;
    end if;
  end loop;
  perform private.broadcast(v_events, v_topics, v_payloads);
  return v_own_heard;
end;
$$;

-- The event for the actor's other devices: a typed text when the action is a form, otherwise a
-- button.
create or replace function private.describe_action(
  p_conversation private.conversations,
  p_action text
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_input_type text;
begin
  select i.input_type into v_input_type
  from private.flow_inputs as i
  where i.flow_id = p_conversation.flow_id
    and i.action = p_action
    and i.required
    and i.input_type is not null
  order by i.position
  limit 1;
  return case when v_input_type is null
    then jsonb_build_object('event', 'button_action', 'button_id', p_action)
    else jsonb_build_object('event', 'text_input', 'input_type', v_input_type)
  end;
end;
$$;

-- The change of state: the state before and now, the awaited role, the reason, and every state
-- entered on the way.
create or replace function private.flow_update_json(p_step private.flow_step)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(
    'previous_state', p_step.from_state,
    'new_state', (p_step.conversation).flow_state,
    'awaiting_role', (p_step.conversation).awaiting_role,
    'reason', p_step.reason,
    'path', to_jsonb(p_step.path)
  );
$$;
