-- Tells a deal a fact of the payment provider; the flow alone decides what follows.
--
-- Args: the conversation; the fact, an action of the flow's system; its input.
-- Returns null when the flow took it, otherwise the code with which it did not.
-- Locks: the conversation. Writes: what private.operate writes.
create or replace function private.tell_deal(p_conversation_id uuid, p_fact text, p_input jsonb)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_refusal text;
begin
  perform private.operate(p_conversation_id, p_fact, p_input, p_role => 'system');
  return null;
exception
  when sqlstate 'PGRST' then
    get stacked diagnostics v_refusal = message_text;
    return v_refusal::jsonb ->> 'code';
end;
$$;
