-- The conversations that clients select from: private.conversations, each row as it is now.
--
-- A passed deadline counts at once here, as in every function; the table has it only after the next
-- action, sweep or sign-in. Columns that no deadline changes come from the table directly, so that
-- PostgREST finds its foreign keys.

-- The row of a conversation as it is now.
-- Definer: takes due steps in memory, by rows of the flow. It does not check its caller: the view
-- calls it for the rows that the policy of the table shows.
create or replace function private.conversation_now(p_conversation_id uuid)
returns setof private.conversations
language sql
stable
rows 1
security definer
set search_path = ''
as $$
  select due.*
  from private.conversations as c
  cross join lateral private.as_of_now(c) as due
  where c.id = p_conversation_id;
$$;

create or replace view public.conversations
with (security_invoker = true) as
select
  c.id,
  c.kind,
  c.user_a,
  c.user_b,
  c.brand_owner_id,
  c.influencer_id,
  now.flow_state,
  now.chat_status,
  now.automation_enabled,
  now.awaiting_role,
  now.current_action_data,
  now.flow_data,
  now.work_submission,
  now.work_submitted,
  now.work_status,
  now.submission_date,
  now.amount_minor,
  c.currency,
  now.deadline_at,
  now.version,
  now.last_seq,
  c.last_message_at,
  c.created_at,
  now.updated_at,
  c.bid_id,
  c.campaign_id,
  c.request_id,
  now.entered_at,
  now.delivery_due_at,
  now.close_reason,
  now.closed_by,
  now.captured_minor,
  now.held_minor,
  now.released_minor,
  now.fee_minor,
  now.refunded_minor,
  now.charged_back_minor
from private.conversations as c
cross join lateral private.conversation_now(c.id) as now;

grant execute on function private.conversation_now(uuid) to authenticated, service_role;
grant select on public.conversations to authenticated, service_role;
