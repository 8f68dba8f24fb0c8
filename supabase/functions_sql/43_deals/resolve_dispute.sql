-- An operator decides a dispute: release gives the money to the influencer, refund to the brand
-- owner, split refund_amount (rupees) to the brand owner and the rest to the influencer; resume
-- returns the deal to its state before. A split of the whole held amount is called a refund. The
-- parties never see note.
--
-- Definer: clients have no write grant on any table.
-- Locks: the conversation. Writes: as private.operate.
-- Errors: FORBIDDEN (403), CONVERSATION_NOT_FOUND (404), INPUT_INVALID (422), PRICE_OUT_OF_RANGE
-- (422), FLOW_STATE_INVALID (409).
create or replace function private.resolve_dispute(
  p_conversation_id uuid,
  p_verdict text,
  p_refund_amount jsonb,
  p_note text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.require_operator();
  if p_verdict is null or p_verdict not in ('release', 'refund', 'split', 'resume') then
    perform private.raise_input_invalid(
      'verdict', 'one_of', 'The verdict is release, refund, split or resume.'
    );
  end if;
  if p_verdict = 'split' and exists (
    select from private.conversations as c
    where c.id = p_conversation_id
      and case when c.flow_state = 'disputed' then
        c.held_minor = (
          private.check_input(
            c.flow_id, 'resolve_split', jsonb_build_object('refund_amount', p_refund_amount)
          ) ->> 'refund_amount_minor'
        )::bigint
      end
  ) then
    return private.resolve_dispute(p_conversation_id, 'refund', null, p_note);
  end if;
  return private.operate(
    p_conversation_id, 'resolve_' || p_verdict,
    jsonb_strip_nulls(jsonb_build_object('refund_amount', p_refund_amount, 'note', p_note))
  );
end;
$$;

-- RPC: operators decide a dispute; returns `{success, conversation_id, flow_update}`.
create or replace function public.resolve_dispute(
  conversation_id uuid,
  verdict text,
  refund_amount jsonb default null,
  note text default null
)
returns jsonb
language sql
set search_path = ''
as $$
  select private.resolve_dispute(conversation_id, verdict, refund_amount, note);
$$;

grant execute on function private.resolve_dispute(uuid, text, jsonb, text)
to authenticated, service_role;
grant execute on function public.resolve_dispute(uuid, text, jsonb, text)
to authenticated, service_role;
