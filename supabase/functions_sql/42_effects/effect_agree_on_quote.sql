-- Fixes the quote of the application as the agreed price.
create or replace function private.effect_agree_on_quote(p_step private.flow_step)
returns public.conversations
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.agree_on(p_step.conversation, 'quote_minor');
end;
$$;

revoke all on function private.effect_agree_on_quote(private.flow_step)
from public, anon, authenticated, service_role;
