-- RPC: operators erase the details of a conversation's history, when the law demands it; returns
-- `{scrubbed}`, the number of emptied events.
create or replace function public.scrub_conversation_history(conversation_id uuid, reason text)
returns json
language sql
set search_path = ''
as $$
  select private.scrub_conversation_history(conversation_id, reason);
$$;

-- Erases the details of a conversation's steps. The steps, their actors, times and order stay
-- provable.
--
-- Scrubbed details can no longer be compared with their commitment, so an alert records whether the
-- history was whole before.
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: conversation_events, event_salts, alerts, and as
-- private.run_deadlines.
-- Errors: FORBIDDEN (403) also to operators who are members of the conversation, INPUT_INVALID
-- (422), CONVERSATION_NOT_FOUND (404), FUNDS_HELD (409) while a deal holds money, GUARD_FAILED
-- (409) `{guard: "legal_hold"}`.
create or replace function private.scrub_conversation_history(
  p_conversation_id uuid,
  p_reason text
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reason text;
  v_conversation private.conversations;
  v_before jsonb;
  v_scrubbed integer;
begin
  perform private.require_operator();
  v_reason := private.require_text(p_reason, 'reason', 1000);
  v_conversation := private.run_deadlines(
    private.lock_conversation(p_conversation_id, null), p_is_trial => false
  );
  perform private.refuse_own(p_conversation_id);
  if v_conversation.held_minor > 0 then
    perform private.raise_error(
      'FUNDS_HELD', 'The deal still holds money.', p_status => 409,
      p_hint => 'Release or refund it first.'
    );
  end if;
  if exists (
    select from private.legal_holds as h where h.conversation_id = p_conversation_id
  ) then
    perform private.raise_error(
      'GUARD_FAILED', 'The conversation is under a legal hold: nothing in it is erased.',
      jsonb_build_object('guard', 'legal_hold'), p_status => 409,
      p_hint => 'Settle the dispute first.'
    );
  end if;

  v_before := private.check_history(p_conversation_id);
  v_scrubbed := (v_before ->> 'events')::integer - (v_before ->> 'scrubbed')::integer;
  if v_scrubbed > 0 then
    delete from private.event_salts as s where s.conversation_id = p_conversation_id;
    update public.conversation_events as e
    set details = null
    where e.conversation_id = p_conversation_id and e.details is not null;
    perform private.open_alert(
      'history_scrubbed', 'info',
      format('history_scrubbed:%s:%s', p_conversation_id, v_conversation.version),
      p_conversation_id,
      jsonb_build_object('reason', v_reason, 'operator', auth.uid(), 'before', v_before)
    );
  end if;
  return json_build_object('scrubbed', v_scrubbed);
end;
$$;

grant execute on function public.scrub_conversation_history(uuid, text)
to authenticated, service_role;
grant execute on function private.scrub_conversation_history(uuid, text)
to authenticated, service_role;
