-- Gives what a deal still holds to the influencer, less the fee (rule fee_basis_points, rounded
-- down to a paisa), and returns the conversation with its books. There is nothing left to resume.
--
-- Writes: escrow_ledger, payouts.
create or replace function private.release_held(p_step private.flow_step)
returns public.conversations
language plpgsql
security invoker
set search_path = ''
as $$
declare
  v_conversation public.conversations := p_step.conversation;
  v_held constant bigint := v_conversation.held_minor;
  v_fee constant bigint
    := floor(v_held * private.flow_rule(v_conversation, 'fee_basis_points') / 10000);
begin
  v_conversation.flow_data := v_conversation.flow_data - 'resume';
  v_conversation.held_minor := 0;
  v_conversation.fee_minor := v_conversation.fee_minor + v_fee;
  v_conversation.released_minor := v_conversation.released_minor + v_held - v_fee;
  perform private.record_transfer(p_step, 'held', 'fee', v_fee, null);
  perform private.record_transfer(p_step, 'held', 'released', v_held - v_fee, null);
  if not p_step.is_trial and v_held > v_fee then
    insert into private.payouts (
      conversation_id, influencer_id, amount_minor, currency, created_at
    )
    values (
      v_conversation.id, v_conversation.influencer_id, v_held - v_fee,
      v_conversation.currency, p_step.at
    );
  end if;
  return v_conversation;
end;
$$;

revoke all on function private.release_held(private.flow_step)
from public, anon, authenticated, service_role;
