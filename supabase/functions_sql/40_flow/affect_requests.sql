-- The effects at the begin and the end of a conversation: applications, project details, closing.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: requests, payment_orders, unless the step is a trial.
create or replace function private.affect_requests(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_conversation private.conversations := p_step.conversation;
begin
  case p_effect
    when 'accept_request', 'reject_request' then
      if not p_step.is_trial then
        update public.requests as r
        set
          status = case p_effect when 'accept_request' then 'accepted' else 'rejected' end,
          updated_at = p_step.at
        where r.id = v_conversation.request_id and r.status = 'pending';
      end if;

    -- The history has the earlier versions.
    when 'keep_details' then
      v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
        'project_details', p_step.input ->> 'details',
        'details_version', private.flow_count(v_conversation.flow_data, 'details_version') + 1
      );

    when 'count_question' then
      v_conversation.flow_data := v_conversation.flow_data || jsonb_build_object(
        'questions', private.flow_count(v_conversation.flow_data, 'questions') + 1
      );

    when 'close' then
      v_conversation.close_reason := p_step.reason;
      -- Both sides may read it, so an operator is not named.
      v_conversation.closed_by := case when p_step.role <> 'admin' then p_step.actor_id end;
      v_conversation.flow_data := v_conversation.flow_data - 'payment_order';
      if not p_step.is_trial then
        update public.requests as r
        set status = 'closed', updated_at = p_step.at
        where r.id = v_conversation.request_id and r.status in ('pending', 'accepted');
        update private.payment_orders as o
        set status = 'cancelled', updated_at = p_step.at
        where o.conversation_id = v_conversation.id and o.status = 'open';
      end if;

    when 'reopen' then
      v_conversation.close_reason := null;
      v_conversation.closed_by := null;
  end case;
  return v_conversation;
end;
$$;
