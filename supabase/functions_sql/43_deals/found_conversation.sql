-- Makes a conversation with its two members and takes the first step of the flow that is published
-- for its kind; it stays on that version. Null when two people have their direct chat already.
--
-- Args: the conversation with kind, members, subject, roles and flow_data; who opens it, in which
-- role, by which action.
-- Writes: conversations, participants, and what private.advance_conversation writes.
-- Errors: none; a flow begins with no guard.
create or replace function private.found_conversation(
  p_conversation public.conversations,
  p_actor_id uuid,
  p_role text,
  p_action text
)
returns private.flow_outcome
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_step private.flow_step;
  v_conversation public.conversations;
  -- Only a deal has books.
  v_nothing constant bigint := case when p_conversation.kind <> 'direct' then 0 end;
  -- The opening line of a direct chat is nobody's unread message.
  v_read_seq constant bigint := case p_conversation.kind when 'direct' then 1 else 0 end;
begin
  insert into public.conversations (
    kind, user_a, user_b, brand_owner_id, influencer_id, bid_id, campaign_id, request_id,
    flow_id, flow_state, flow_data, captured_minor, held_minor, released_minor, fee_minor,
    refunded_minor, charged_back_minor
  )
  values (
    p_conversation.kind, p_conversation.user_a, p_conversation.user_b,
    p_conversation.brand_owner_id, p_conversation.influencer_id, p_conversation.bid_id,
    p_conversation.campaign_id, p_conversation.request_id,
    (
      select f.id from private.flow_definitions as f
      where f.kind = p_conversation.kind and f.status = 'published'
    ),
    'initial', coalesce(p_conversation.flow_data, '{}'), v_nothing, v_nothing, v_nothing,
    v_nothing, v_nothing, v_nothing
  )
  on conflict (user_a, user_b) where kind = 'direct' do nothing
  returning * into v_conversation;
  if not found then
    return null;
  end if;
  insert into private.participants (conversation_id, user_id, role, read_seq, delivered_seq)
  select
    v_conversation.id, member.id, private.role_in(v_conversation, member.id), v_read_seq,
    v_read_seq
  from unnest(array[p_conversation.user_a, p_conversation.user_b]) as member (id);

  v_step.conversation := v_conversation;
  v_step.actor_id := p_actor_id;
  v_step.role := p_role;
  v_step.action := p_action;
  v_step.input := '{}';
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  return private.advance_conversation(v_step);
end;
$$;

revoke all on function private.found_conversation(public.conversations, uuid, text, text)
from public, anon, authenticated, service_role;
