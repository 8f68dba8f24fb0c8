-- Tells both sides' devices about a step: the messages that each may see, and the new state.
--
-- Remembers, for each side, the version that its context has now: what private.check_version
-- compares with.
-- Writes: participants, realtime.messages. Events: new_message, conversation_state_changed.
create or replace function private.announce_step(
  p_conversation public.conversations,
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_messages public.messages[]
)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_headline constant jsonb := private.conversation_headline(p_conversation);
  v_change constant jsonb := jsonb_build_object(
    'conversation_id', p_conversation.id,
    'previous_state', p_row.from_state,
    'new_state', p_row.to_state,
    'reason', p_step.reason,
    'timestamp', p_step.at
  );
  v_events text[];
  v_topics text[];
  v_payloads jsonb[];
begin
  with member as (
    update private.participants as p
    set stepped_version = v.version
    from private.conversation_versions(p_conversation) as v
    where p.conversation_id = p_conversation.id and p.user_id = v.user_id
    returning p.user_id, v.version
  ),
  told as (
    select
      member.user_id, m.seq as place, 'new_message'::text as event,
      jsonb_build_object(
        'conversation_id', p_conversation.id,
        'message', private.message_json(m),
        'conversation_context', v_headline || jsonb_build_object('version', member.version)
      ) as payload
    from member
    join unnest(p_messages) as m on m.visible_to = 'all' or m.receiver_id = member.user_id
    union all
    select member.user_id, 9223372036854775807, 'conversation_state_changed', v_change
    from member
    where p_row.to_state <> p_row.from_state
  )
  select
    array_agg(told.event order by told.user_id, told.place),
    array_agg('user:' || told.user_id order by told.user_id, told.place),
    array_agg(told.payload order by told.user_id, told.place)
  into v_events, v_topics, v_payloads
  from told;
  perform private.broadcast(v_events, v_topics, v_payloads);
end;
$$;

revoke all on function private.announce_step(
  public.conversations, private.flow_step, private.flow_transitions, public.messages[]
) from public, anon, authenticated, service_role;
