-- Takes an action in a conversation's flow.
--
-- Args: action is one of get_available_actions; input has the fields of its schema; for 30 days a
-- repeat with the same client_action_id changes nothing and gets the first answer, with the present
-- conversation and actions; expected_version is the version of the context that the user saw (null:
-- any).
-- Definer: clients have no write grant on any table. Plans are generic from the first call: every
-- statement of a step finds the rows of one conversation by their keys.
-- Locks: the user's limit on actions, then the conversation. Writes: as begin_action and
-- finish_action.
-- Errors: AUTH_REQUIRED (401), RATE_LIMITED (429) `{retry_after}`, CONVERSATION_NOT_FOUND (404),
-- IDEMPOTENCY_MISMATCH (409), VERSION_CONFLICT (409) `{version}` when the deal has moved on since
-- expected_version, ACTION_UNKNOWN (422), CHAT_CLOSED (409), FLOW_STATE_INVALID (409)
-- `{current_state, required_state, awaiting_role, allowed_actions}`, NOT_YOUR_TURN (409) when only
-- the other side may, INPUT_INVALID (422) `{field, rule}`, PRICE_UNPARSEABLE (422) `{understood}`,
-- PRICE_OUT_OF_RANGE (422) `{min, max}`, PRICE_CHANGED (409) `{price}`, NEGOTIATION_LIMIT (409),
-- REVISION_LIMIT (409), FUNDS_HELD (409), GUARD_FAILED (409) `{guard}`; this is also their order.
create or replace function private.take_action(
  p_conversation_id uuid,
  p_action text,
  p_input jsonb,
  p_client_action_id uuid,
  p_expected_version bigint
)
returns json
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_step private.flow_step;
begin
  v_step := private.begin_action(
    p_conversation_id,
    jsonb_build_object('action', p_action),
    p_input, p_client_action_id, p_expected_version
  );
  return coalesce(
    v_step.earlier,
    private.finish_action(v_step, p_action, v_step.input)
  );
end;
$$;

-- RPC: takes an action; returns `{success, conversation, messages, actions, flow_update}`.
create or replace function public.take_action(
  conversation_id uuid,
  action text,
  input jsonb default '{}',
  client_action_id uuid default null,
  expected_version bigint default null
)
returns json
language sql
as $$
  select private.take_action(conversation_id, action, input, client_action_id, expected_version);
$$;

-- Begins a user's action: recognizes a repeat by its client_action_id, locks the conversation,
-- takes due steps, and refuses a decision on an older state.
--
-- Args: the conversation; the request and its input, to compare a repeat with; the client's id of
-- it; the version that the user saw (null: any). Returns the step without its action, with the
-- input that private.read_fields read before any lock; a repeat has its answer in earlier.
-- Locks: the user's limit on actions, then the conversation. Writes: rate_limits, and as
-- private.run_deadlines.
-- Errors: AUTH_REQUIRED (401), those of private.read_fields, RATE_LIMITED (429) `{retry_after}`,
-- CONVERSATION_NOT_FOUND (404), IDEMPOTENCY_MISMATCH (409), VERSION_CONFLICT (409) `{version}`.
create or replace function private.begin_action(
  p_conversation_id uuid,
  p_request jsonb,
  p_input jsonb,
  p_client_action_id uuid,
  p_expected_version bigint default null
)
returns private.flow_step
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step;
begin
  v_step.actor_id := private.require_user();
  perform private.check_json(p_request, 'input', 65536);
  v_step.input := private.read_fields(coalesce(p_input, '{}'));
  -- This lock also makes one user's actions wait for each other, so that a repeat finds its first
  -- try.
  perform private.limit_rate(v_step.actor_id, 'action');
  v_step.conversation := private.lock_conversation(p_conversation_id, v_step.actor_id);
  v_step.role := private.role_in(v_step.conversation, v_step.actor_id);
  v_step := private.find_repeat(
    v_step,
    p_request || jsonb_build_object('conversation_id', p_conversation_id, 'input', v_step.input),
    p_client_action_id
  );
  if v_step.earlier is null then
    if p_expected_version is not null then
      perform private.check_version(v_step.conversation, v_step.actor_id, p_expected_version);
    end if;
    if (v_step.conversation).deadline_at <= clock_timestamp() then
      v_step.conversation := private.run_deadlines(v_step.conversation, p_is_trial => false);
    end if;
  end if;
  return v_step;
end;
$$;

-- Takes the action of a user's step, tells the user's other devices, and stores the data for a
-- repeat.
--
-- Args: the step of begin_action; the action and its input; how it was made, as for
-- private.announce_step. Returns the action result of docs/API.md. Locks: the conversation must be
-- locked already.
-- Writes: action_results, and as private.advance_conversation.
-- Errors: those of private.advance_conversation.
create or replace function private.finish_action(
  p_step private.flow_step,
  p_action text,
  p_input jsonb,
  p_event jsonb default null
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
begin
  v_step.action := p_action;
  v_step.input := coalesce(p_input, '{}');
  v_step.at := clock_timestamp();
  v_step.is_trial := false;
  return private.answer_step(private.advance_conversation(v_step, p_event));
end;
$$;

-- The answer to a taken step. It stores numbers and states for a repeat, never a text that may
-- expire.
--
-- Writes: action_results.
create or replace function private.answer_step(
  p_step private.flow_step,
  p_is_created boolean default null
)
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_last_seq constant bigint := (p_step.conversation).last_seq;
  v_update constant jsonb := private.flow_update_json(p_step);
begin
  if p_step.client_action_id is not null then
    insert into private.action_results (
      user_id, client_action_id, conversation_id, request_hash, first_seq, last_seq, flow_update,
      is_created
    )
    values (
      p_step.actor_id, p_step.client_action_id, (p_step.conversation).id, p_step.request_hash,
      v_last_seq - cardinality(p_step.messages) + 1, v_last_seq, v_update, p_is_created
    );
  end if;
  return private.action_result(
    p_step.conversation, p_step.actor_id, p_step.role, coalesce(p_step.heard, '[]'), v_update,
    p_is_created
  );
end;
$$;

-- An action result: `{success, conversation, messages, actions, flow_update}`, and `created` when
-- the call opens a deal.
create or replace function private.action_result(
  p_conversation private.conversations,
  p_user_id uuid,
  p_role text,
  p_messages jsonb,
  p_flow_update jsonb,
  p_is_created boolean
)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation constant private.conversations := case
    when p_conversation.deadline_at <= now() then private.as_of_now(p_conversation)
    else p_conversation
  end;
  v_context constant json := private.step_context(p_conversation, p_user_id);
  v_actions constant json := private.actions_json(v_conversation, p_user_id, p_role);
begin
  if p_is_created is null then
    return json_build_object(
      'success', true, 'conversation', v_context, 'messages', p_messages, 'actions', v_actions,
      'flow_update', p_flow_update
    );
  end if;
  return json_build_object(
    'success', true, 'conversation', v_context, 'messages', p_messages, 'actions', v_actions,
    'flow_update', p_flow_update, 'created', p_is_created
  );
end;
$$;

-- The caller's context of a conversation whose row is given: as private.my_conversations, without
-- reading the row again; a test compares them. After a passed deadline it reads that view.
--
-- Args: the conversation as it is stored; the caller.
create or replace function private.step_context(
  p_conversation private.conversations,
  p_user_id uuid
)
returns json
language plpgsql
stable
set search_path = ''
as $$
declare
  c constant private.conversations := p_conversation;
begin
  if c.deadline_at <= now() then
    return (
      select row_to_json(mine)
      from private.my_conversations as mine
      where mine.conversation_id = c.id
    );
  end if;
  return (
    select row_to_json(mine)
    from (
      select
        c.id as conversation_id,
        c.kind,
        c.chat_status,
        c.flow_state,
        c.awaiting_role,
        coalesce(
          c.awaiting_role, case when c.kind <> 'direct' then s.waiting_on end, 'none'
        ) as waiting_on,
        c.automation_enabled,
        me.role as my_role,
        case when c.awaiting_role = me.role then (
          select m.action_data
          from public.messages as m
          where m.id = (c.current_action_data ->> 'action_id')::uuid
        ) end as current_action_data,
        c.flow_data,
        round(c.amount_minor / 100.0, 2) as price,
        c.amount_minor,
        c.currency,
        c.work_status,
        c.deadline_at,
        -- As private.base_version.
        c.version + c.last_seq + me.version + other.shared_version
          + coalesce(
            extract(
              epoch from (
                select m.expires_at
                from public.messages as m
                where m.conversation_id = c.id and m.expires_at <= now()
                order by m.expires_at desc
                limit 1
              )
            ) * 1000000,
            0
          )::bigint
          + coalesce(extract(epoch from c.timed_at) * 1000000, 0)::bigint as version,
        c.last_seq,
        me.read_seq,
        case
          when me.blocks_other or other.blocks_other then 0
          when not (me.shares_read_receipts and other.shares_read_receipts) then 0
          else other.read_seq
        end as other_read_seq,
        case
          when me.blocks_other or other.blocks_other then 0
          else other.delivered_seq
        end as other_delivered_seq,
        (
          select count(*)
          from (
            select from public.messages as m
            where m.conversation_id = c.id and m.seq > me.read_seq
              and m.sender_id <> me.user_id
              and m.caused_by is distinct from me.user_id
              and (m.visible_to = 'all' or m.receiver_id = me.user_id)
              and (m.expires_at is null or m.expires_at > now())
            order by m.seq desc
            limit 1000
          ) as unread
        ) as unread_count,
        (
          select json_build_object(
            'id', m.id, 'seq', m.seq, 'sender_id', m.sender_id, 'message_type', m.message_type,
            'message', left(m.message, 200), 'media_url', m.media_url, 'expires_at', m.expires_at,
            'attachment_names', case
              when m.expires_at is null then jsonb_path_query_array(m.attachments, '$[*].name')
            end,
            'created_at', m.created_at
          )
          from public.messages as m
          where m.conversation_id = c.id
            and (m.visible_to = 'all' or p_user_id in (m.sender_id, m.receiver_id))
            and (m.expires_at is null or m.expires_at > now())
          order by m.seq desc
          limit 1
        ) as last_message,
        json_build_object(
          'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url, 'role', u.role,
          'last_seen_at', case
            when a.shares_last_seen and not me.blocks_other and not other.blocks_other
              then a.last_seen_at
          end,
          'is_deleted', a.user_id is null
        ) as other_party,
        coalesce(me.archived_seq = c.last_seq, false) as archived,
        me.pinned_at is not null as pinned,
        me.muted_until,
        not me.blocks_other and not other.blocks_other and a.user_id is not null and (
          c.chat_status = 'real_time' or c.chat_status <> 'closed' and coalesce(s.free_text, false)
        ) and private.deal_instead(c) is null as free_text_allowed,
        c.created_at,
        c.updated_at,
        now() as server_now,
        coalesce(
          other.typing_until > now() and not me.blocks_other and not other.blocks_other, false
        ) as other_typing,
        case when c.kind <> 'direct' then json_build_object(
          'captured_minor', c.captured_minor, 'held_minor', c.held_minor,
          'released_minor', c.released_minor, 'fee_minor', c.fee_minor,
          'refunded_minor', c.refunded_minor, 'charged_back_minor', c.charged_back_minor
        ) end as escrow,
        c.delivery_due_at,
        c.bid_id,
        c.campaign_id,
        c.request_id,
        c.work_submission,
        c.work_submitted,
        c.submission_date,
        c.close_reason
      from private.participants as me
      join private.participants as other
        on other.conversation_id = c.id and other.user_id <> me.user_id
      join public.users as u on u.id = other.user_id
      left join private.accounts as a on a.user_id = other.user_id
      left join private.flow_states as s on s.flow_id = c.flow_id and s.state = c.flow_state
      where me.conversation_id = c.id and me.user_id = p_user_id
    ) as mine
  );
end;
$$;

-- Recognizes a repeat: returns the step with its client's id and the hash of its request, and, when
-- this id was used before, the answer in earlier. The answer is composed anew, without messages
-- that have disappeared since.
--
-- Args: the step, with its actor; the request; the client's id of it (null: never a repeat).
-- Errors: IDEMPOTENCY_MISMATCH (409) when the id was used for something else.
create or replace function private.find_repeat(
  p_step private.flow_step,
  p_request jsonb,
  p_client_action_id uuid
)
returns private.flow_step
language plpgsql
stable
set search_path = ''
as $$
declare
  v_step private.flow_step := p_step;
  v_earlier private.action_results;
  v_conversation private.conversations;
begin
  if p_client_action_id is null then
    return v_step;
  end if;
  v_step.client_action_id := p_client_action_id;
  -- A hash recognizes a repeat without keeping the typed text.
  v_step.request_hash := sha256(convert_to(p_request::text, 'utf8'));
  select r.* into v_earlier
  from private.action_results as r
  where r.user_id = p_step.actor_id and r.client_action_id = p_client_action_id;
  if not found then
    return v_step;
  end if;
  if v_earlier.request_hash <> v_step.request_hash then
    perform private.raise_error(
      'IDEMPOTENCY_MISMATCH', 'This client_action_id was used for another action.',
      p_status => 409, p_hint => 'Make a new id for each action; repeat one with its own.'
    );
  end if;
  v_conversation := private.read_conversation(v_earlier.conversation_id, p_step.actor_id);
  v_step.earlier := private.action_result(
    v_conversation, p_step.actor_id, p_step.role,
    (
      select coalesce(jsonb_agg(to_jsonb(m) order by m.seq), '[]')
      from private.my_messages as m
      where m.conversation_id = v_conversation.id
        and m.seq between v_earlier.first_seq and v_earlier.last_seq
    ),
    v_earlier.flow_update, v_earlier.is_created
  );
  return v_step;
end;
$$;

-- Refuses an action that a user decided on before the newest step of the flow. Messages, receipts
-- and preferences change a context's version too, but refuse nothing. A due step counts as taken,
-- as for every reader.
--
-- Args: the conversation, before its due steps are written; the user; the version that the user
-- saw.
-- Errors: VERSION_CONFLICT (409) `{version}`.
create or replace function private.check_version(
  p_conversation private.conversations,
  p_user_id uuid,
  p_expected_version bigint
)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_stored bigint;
  v_stepped bigint;
  v_now bigint;
begin
  select v.version, p.stepped_version into v_stored, v_stepped
  from private.conversation_versions(p_conversation) as v
  join private.participants as p
    on p.conversation_id = p_conversation.id and p.user_id = v.user_id
  where v.user_id = p_user_id;
  select v.version into v_now
  from private.conversation_versions(private.as_of_now(p_conversation)) as v
  where v.user_id = p_user_id;
  if p_expected_version not between v_stepped + v_now - v_stored and v_now
    -- A time limit has passed while the call waited for the conversation.
    or p_conversation.deadline_at > now() and p_conversation.deadline_at <= clock_timestamp() then
    perform private.raise_error(
      'VERSION_CONFLICT', 'The conversation has moved on since you looked.',
      jsonb_build_object('version', v_now), p_status => 409,
      p_hint => 'Read the conversation again, then decide.'
    );
  end if;
end;
$$;

grant execute on function private.take_action(uuid, text, jsonb, uuid, bigint) to authenticated;
grant execute on function public.take_action(uuid, text, jsonb, uuid, bigint) to authenticated;
