-- Adds the messages of a row of the flow to the step, with the type of the notification that goes
-- with each.
--
-- A party's own text is never in a message's text: it is the quote, `action_data.quote {by, text}`,
-- which clients draw as the words of that user, together with its files. Messages to one role are
-- for that party alone; the actor gets an audit message.
-- Args: the step after its effects; the row's name; whether another step follows at once: then
-- there is no automated message, because nobody could answer it.
create or replace function private.compose_messages(
  p_step private.flow_step,
  p_row_name text,
  p_is_passed boolean
)
returns private.flow_step
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_conversation private.conversations := p_step.conversation;
  -- The present time, also for a step that was due earlier.
  v_now constant timestamptz := clock_timestamp();
  v_templates private.flow_messages[];
  v_texts text;
  v_system_user_id uuid;
  v_values jsonb := '{}'::jsonb;
  v_template private.flow_messages;
  v_quoted text;
  v_message public.messages;
begin
  select
    array_agg(m order by m.position),
    string_agg(concat(m.text, m.title, m.subtitle, m.quote), ' '),
    (select (s.value #>> '{}')::uuid from private.settings as s where s.key = 'system_user_id')
  into v_templates, v_texts, v_system_user_id
  from private.flow_messages as m
  where m.flow_id = v_conversation.flow_id
    and m.transition = p_row_name
    and not (p_is_passed and m.message_type = 'automated');
  if v_templates is null then
    return v_step;
  end if;
  if position('{' in v_texts) > 0 then
    v_values := private.flow_values(p_step, v_texts);
  end if;
  foreach v_template in array v_templates loop
    v_message := null;
    v_message.id := gen_random_uuid();
    v_message.conversation_id := v_conversation.id;
    if not p_step.is_trial then
      v_conversation.last_seq := v_conversation.last_seq + 1;
      v_conversation.last_message_at := v_now;
      v_message.seq := v_conversation.last_seq;
    end if;
    v_message.sender_id := v_system_user_id;
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
    v_message.created_at := v_now;
    v_message.action_required
      := v_template.message_type = 'automated' or v_template.buttons is not null;
    v_message.action_completed := false;
    v_message.is_automated := v_template.message_type <> 'user_input';
    if v_message.action_required then
      v_message.action_data := private.action_data(
        v_conversation, nullif(v_message.visible_to, 'all'),
        private.fill_template(v_template.title, v_values),
        private.fill_template(v_template.subtitle, v_values), v_template.buttons,
        v_template.message_type, v_message.id
      );
    end if;
    v_quoted := left(btrim(private.fill_template(v_template.quote, v_values), e' \n'), 5000);
    if v_quoted <> '' then
      v_message.action_data := coalesce(v_message.action_data, '{}') || jsonb_build_object(
        'quote', jsonb_build_object('by', p_step.actor_id, 'text', v_quoted)
      );
      v_message.attachments := p_step.input -> 'attachments';
    end if;
    v_step.messages := v_step.messages || v_message;
    v_step.notifications := v_step.notifications || v_template.notification;
  end loop;
  v_step.conversation := v_conversation;
  return v_step;
end;
$$;

-- The values of the placeholders in a step's messages: those of private.deal_values, the flow's
-- rules, the input, the names of both parties, and the title of the bid or campaign.
--
-- Args: the step; the texts, to read only the values that they name (null: all).
create or replace function private.flow_values(
  p_step private.flow_step,
  p_texts text default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := p_step.conversation;
  -- A login that was deleted.
  c_nameless constant text := 'The other side';
  v_values jsonb := p_step.input || jsonb_build_object(
    'role', p_step.role, 'reason_hint', ' Reason: ' || (p_step.input ->> 'reason')
  );
  v_a text;
  v_b text;
  v_is_a constant boolean := p_step.actor_id = v_conversation.user_a;
begin
  if p_texts is null or p_texts ~ '\{(influencer|brand_owner|actor|other)\}' then
    select
      (select u.display_name from public.users as u where u.id = v_conversation.user_a),
      (select u.display_name from public.users as u where u.id = v_conversation.user_b)
    into v_a, v_b;
    v_a := coalesce(v_a, c_nameless);
    v_b := coalesce(v_b, c_nameless);
    v_values := v_values || jsonb_build_object(
      'influencer', case v_conversation.influencer_id
        when v_conversation.user_a then v_a else v_b
      end,
      'brand_owner', case v_conversation.brand_owner_id
        when v_conversation.user_a then v_a else v_b
      end,
      'actor', case when v_is_a then v_a when not v_is_a then v_b end,
      'other', case when v_is_a then v_b when not v_is_a then v_a end
    );
  end if;
  if p_texts is null or position('{subject}' in p_texts) > 0 then
    v_values := v_values || jsonb_build_object(
      'subject', coalesce(
        (select b.title from public.bids as b where b.id = v_conversation.bid_id),
        (select c.title from public.campaigns as c where c.id = v_conversation.campaign_id)
      )
    );
  end if;
  -- The names of rules end in s, or in _a_day.
  if p_texts is null or position('s}' in p_texts) > 0 or position('_a_day}' in p_texts) > 0 then
    v_values := (
      select f.rules from private.flow_definitions as f where f.id = v_conversation.flow_id
    ) || v_values;
  end if;
  return private.deal_values(v_conversation, p_texts) || v_values;
end;
$$;
