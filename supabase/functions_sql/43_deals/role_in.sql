-- What a member is in a conversation: influencer, brand_owner, or member of a direct chat.
create or replace function private.role_in(
  p_conversation public.conversations,
  p_user_id uuid
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case p_user_id
    when p_conversation.influencer_id then 'influencer'
    when p_conversation.brand_owner_id then 'brand_owner'
    else 'member'
  end;
end;
$$;

revoke all on function private.role_in(public.conversations, uuid)
from public, anon, authenticated, service_role;
