-- The title, buttons and form that a client draws for one reader of an action message.
--
-- Args: the conversation as it is now; the reader's role (null: both sides); title and subtitle,
-- filled in; the actions to offer, as of private.flow_messages.buttons; the message's type; its id.
-- Returns: `{title, subtitle, buttons, input_field, input_fields, submit_button, submit_action,
-- payment_order, schema, flow_state, message_type, visible_to, allowed_for, action_id,
-- expires_at}`; keys without a value are left out. expires_at is when the state's time limit ends.
-- A button `{id, text, style, action, data, input_fields}` has input_fields where its action needs
-- them.
create or replace function private.action_data(
  p_conversation private.conversations,
  p_role text,
  p_title text,
  p_subtitle text,
  p_buttons jsonb,
  p_message_type text,
  p_action_id uuid
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_role constant text := coalesce(p_role, p_conversation.awaiting_role);
  v_visible_to constant text := coalesce(p_role, 'all');
  v_action jsonb;
  v_button jsonb;
  v_text text;
  v_buttons jsonb;
  v_form jsonb := jsonb '{}';
begin
  foreach v_action in array private.open_actions(
    p_conversation,
    case v_role
      when 'influencer' then p_conversation.influencer_id
      when 'brand_owner' then p_conversation.brand_owner_id
    end,
    v_role
  ) loop
    if p_buttons is null then
      if v_action ->> 'drawn' in ('form', 'both') and v_form = '{}' then
        v_form := v_action -> 'form';
      end if;
      continue when v_action ->> 'drawn' in ('form', 'nowhere');
    else
      continue when not p_buttons ? (v_action ->> 'action') or v_action ->> 'drawn' = 'form';
    end if;
    v_button := v_action -> 'button';
    v_text := p_buttons ->> (v_action ->> 'action');
    if v_text is not null then
      if v_text like '%{%' then
        v_text := private.fill_template(v_text, private.deal_values(p_conversation));
      end if;
      v_button := v_button || jsonb_build_object('text', v_text);
    end if;
    v_buttons := coalesce(v_buttons, '[]') || v_button;
  end loop;
  return v_form || jsonb_strip_nulls(jsonb_build_object(
    'title', p_title,
    'subtitle', p_subtitle,
    'flow_state', p_conversation.flow_state,
    'message_type', p_message_type,
    'visible_to', v_visible_to,
    'allowed_for', v_visible_to,
    'action_id', p_action_id,
    'expires_at', p_conversation.deadline_at,
    'payment_order', case
      when p_buttons is null then p_conversation.flow_data -> 'payment_order'
    end,
    'buttons', v_buttons
  ));
end;
$$;
