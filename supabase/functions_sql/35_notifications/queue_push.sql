-- Puts a push for each of a user's registered devices into the outbox. Ids only: a push service may
-- keep a payload longer than the message lives.
--
-- Writes: push_outbox.
create or replace function private.queue_push(p_user_id uuid, p_type text, p_data jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.push_outbox (push_token_id, payload)
  select t.id, jsonb_build_object('type', p_type, 'data', p_data)
  from private.push_tokens as t
  where t.user_id = p_user_id
  -- A device that is just being unregistered must not make the send fail.
  for key share skip locked;
end;
$$;
