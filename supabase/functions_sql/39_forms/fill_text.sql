-- A text of the flow filled with the values of a conversation, which are only looked up where it
-- names any.
create or replace function private.fill_text(
  p_text text,
  p_conversation public.conversations
)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if position('{' in p_text) = 0 then
    return p_text;
  end if;
  return private.fill_template(p_text, private.deal_values(p_conversation));
end;
$$;

revoke all on function private.fill_text(text, public.conversations)
from public, anon, authenticated, service_role;
