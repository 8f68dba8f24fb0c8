-- What the client draws for one reader of an action message: title, buttons, form.
--
-- Args: the conversation as it is now; the reader's role (null: both sides); title and subtitle,
-- filled in; the actions to offer, as of private.flow_messages.buttons; the message's type; its id.
-- Returns: `{title, subtitle, buttons, input_field, input_fields, submit_button, submit_action,
-- payment_order, schema, flow_state, message_type, visible_to, allowed_for, action_id,
-- expires_at}`; keys without a value are left out. expires_at is when the state's time limit is.
create or replace function private.action_data(
  p_conversation public.conversations,
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
security invoker
set search_path = ''
as $$
declare
  v_values constant jsonb := private.deal_values(p_conversation);
  v_visible_to constant text := coalesce(p_role, 'all');
  v_actions private.flow_actions[];
  v_form private.flow_actions;
begin
  v_actions := array(
    select a
    from private.open_actions(
      p_conversation,
      case coalesce(p_role, p_conversation.awaiting_role)
        when 'influencer' then p_conversation.influencer_id
        when 'brand_owner' then p_conversation.brand_owner_id
      end,
      coalesce(p_role, p_conversation.awaiting_role)
    ) as a
    where case when p_buttons is null then a.drawn <> 'nowhere' else p_buttons ? a.action end
    order by a.position
  );
  select a.* into v_form
  from unnest(v_actions) as a
  where a.drawn in ('form', 'both') and p_buttons is null
  limit 1;
  return jsonb_strip_nulls(
    jsonb_build_object(
      'title', p_title,
      'subtitle', p_subtitle,
      'buttons', (
        select jsonb_agg(
          jsonb_build_object(
            'id', a.action,
            'text', private.fill_template(coalesce(p_buttons ->> a.action, a.text), v_values),
            'style', a.style,
            'action', a.action,
            'data', private.fill_data(a.data, v_values)
          )
          order by a.position
        )
        from unnest(v_actions) as a
        where a.drawn <> 'form'
      ),
      'submit_button', case when v_form.action is not null then jsonb_build_object(
        'text', private.fill_template(v_form.text, v_values), 'style', v_form.style
      ) end,
      'submit_action', v_form.action,
      'schema', case when v_form.action is not null then
        private.input_schema(v_form.flow_id, v_form.action, v_values)
      end,
      'payment_order', case when p_buttons is null then
        p_conversation.flow_data -> 'payment_order'
      end,
      'flow_state', p_conversation.flow_state,
      'message_type', p_message_type,
      'visible_to', v_visible_to,
      'allowed_for', v_visible_to,
      'action_id', p_action_id,
      'expires_at', p_conversation.deadline_at
    )
  ) || coalesce(private.form_json(v_form, v_values), '{}');
end;
$$;

revoke all on function private.action_data(
  public.conversations, text, text, text, jsonb, text, uuid
) from public, anon, authenticated, service_role;
