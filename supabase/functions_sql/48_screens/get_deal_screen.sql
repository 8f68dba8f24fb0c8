-- RPC: a deal in one call: the states of its flow in order, whose turn it is, the deadline, money,
-- offers, submissions, ratings, the history and its proof; returns `{conversation, actions, states,
-- waiting_for, money, offers, submissions, ratings, history, proof, version}`, or `{not_modified:
-- true, version}` when the caller's is current.
create or replace function public.get_deal_screen(
  conversation_id uuid,
  known_version text default null
)
returns json
language sql
set search_path = ''
as $$
  select private.get_deal_screen(conversation_id, known_version);
$$;

-- A deal as it is now: a deadline that has passed counts before its step is written.
--
-- History: the first 100 steps; get_conversation_history has the rest.
-- Definer: reads the flow, and a deal's rows past their policies, once the caller is a member.
-- Errors: AUTH_REQUIRED (401), CONVERSATION_NOT_FOUND (404), also for a direct chat, INPUT_INVALID
-- (422) for a malformed version.
create or replace function private.get_deal_screen(
  p_conversation_id uuid,
  p_known_version text
)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_deal private.conversations;
  v_context json;
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  v_deal := private.as_of_now(
    private.read_conversation(p_conversation_id, private.require_user())
  );
  if v_deal.kind = 'direct' then
    perform private.raise_conversation_not_found();
  end if;
  v_context := private.get_conversation_context(p_conversation_id, null);
  return private.screen_json(
    json_build_object(
      'conversation', v_context,
      'actions', private.get_available_actions(p_conversation_id),
      'states', private.states_json(v_deal),
      'waiting_for', json_build_object(
        'who', v_context -> 'waiting_on',
        'is_me', v_context ->> 'waiting_on' = v_context ->> 'my_role',
        'until', v_deal.deadline_at
      ),
      'money', private.deal_money_json(v_deal),
      'offers', (
        select coalesce(json_agg(o order by o.version), '[]')
        from public.offers as o where o.conversation_id = v_deal.id
      ),
      'submissions', (
        select coalesce(json_agg(w order by w.number), '[]')
        from public.work_submissions as w where w.conversation_id = v_deal.id
      ),
      'ratings', private.get_ratings(p_conversation_id),
      'history', private.get_conversation_history(p_conversation_id, 100, null),
      'proof', private.verify_conversation(p_conversation_id)
    ),
    p_known_version
  );
end;
$$;

-- The states of a deal's flow in order: `now` is the present one, `done` are those that the deal
-- has been in, `skipped` lie before the present one and `ahead` after it.
create or replace function private.states_json(p_deal private.conversations)
returns json
language sql
stable
set search_path = ''
as $$
  with visited as (
    select e.to_state as state, max(e.effective_at) as entered_at
    from public.conversation_events as e
    where e.conversation_id = p_deal.id
    group by e.to_state
  )
  select json_agg(
    json_build_object(
      'state', s.state,
      'title', s.title,
      'place', case
        when s.state = p_deal.flow_state then 'now'
        when v.state is not null then 'done'
        when s.position < here.position then 'skipped'
        else 'ahead'
      end,
      'entered_at', case when s.state = p_deal.flow_state then p_deal.entered_at
        else v.entered_at
      end
    )
    order by s.position
  )
  from private.flow_states as here
  join private.flow_states as s on s.flow_id = here.flow_id and s.state <> 'initial'
  left join visited as v on v.state = s.state
  where here.flow_id = p_deal.flow_id and here.state = p_deal.flow_state;
$$;

-- A deal's money in paise; due is the amount that the brand owner can pay now.
create or replace function private.deal_money_json(p_deal private.conversations)
returns json
language sql
stable
set search_path = ''
as $$
  select json_build_object(
    'currency', p_deal.currency,
    'agreed_minor', p_deal.amount_minor,
    'due_minor', case
      when exists (
        select from private.flow_transitions as t
        where t.flow_id = p_deal.flow_id
          and t.from_state = p_deal.flow_state
          and t.action = 'proceed_to_payment'
      ) then p_deal.amount_minor - p_deal.captured_minor
      else 0
    end,
    'captured_minor', p_deal.captured_minor,
    'held_minor', p_deal.held_minor,
    'released_minor', p_deal.released_minor,
    'fee_minor', p_deal.fee_minor,
    'refunded_minor', p_deal.refunded_minor,
    'charged_back_minor', p_deal.charged_back_minor
  );
$$;

grant execute on function public.get_deal_screen(uuid, text) to authenticated;
grant execute on function private.get_deal_screen(uuid, text) to authenticated;
