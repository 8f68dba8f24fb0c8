-- The messages that a row of the flow says, as they would be stored, without numbers, each with the
-- type of its notification.
--
-- Args: the step after its effects; the row; whether another step follows at once: then nobody
-- could answer, and no automated message is made.
-- Those to one role are for that party alone; whoever acts has an audit message to themselves.
create or replace function private.compose_messages(
  p_step private.flow_step,
  p_row private.flow_transitions,
  p_is_passed boolean
)
returns private.flow_note[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_system_user_id constant uuid := uuid '00000000-0000-0000-0000-000000000000';
  v_conversation constant public.conversations := p_step.conversation;
  v_values jsonb;
  v_template private.flow_messages;
  v_message public.messages;
  v_notes private.flow_note[] := array[]::private.flow_note[];
begin
  for v_template in
    select m.*
    from private.flow_messages as m
    where m.flow_id = p_row.flow_id
      and m.transition = p_row.name
      and not (p_is_passed and m.message_type = 'automated')
    order by m.position
  loop
    if v_values is null and concat(v_template.text, v_template.title, v_template.subtitle)
      like '%{%' then
      v_values := private.flow_values(p_step);
    end if;
    v_message := null;
    v_message.id := gen_random_uuid();
    v_message.conversation_id := v_conversation.id;
    v_message.sender_id := c_system_user_id;
    v_message.message_type := v_template.message_type;
    v_message.message := left(private.fill_template(v_template.text, v_values), 5000);
    v_message.visible_to := case v_template.audience
      when 'actor' then p_step.role
      when 'other' then private.other_role(p_step.role)
      else v_template.audience
    end;
    v_message.receiver_id := case v_message.visible_to
      when 'influencer' then v_conversation.influencer_id
      when 'brand_owner' then v_conversation.brand_owner_id
    end;
    v_message.action_required
      := v_template.message_type = 'automated' or v_template.buttons is not null;
    v_message.action_completed := false;
    if v_message.action_required then
      v_message.action_data := private.action_data(
        v_conversation, nullif(v_message.visible_to, 'all'),
        private.fill_template(v_template.title, v_values),
        private.fill_template(v_template.subtitle, v_values), v_template.buttons,
        v_template.message_type, v_message.id
      );
    end if;
    v_notes := v_notes || row(v_message, v_template.notification)::private.flow_note;
  end loop;
  return v_notes;
end;
$$;

revoke all on function private.compose_messages(
  private.flow_step, private.flow_transitions, boolean
) from public, anon, authenticated, service_role;
