-- What a party may do in a conversation now, in the shape that clients get, as an array.
create or replace function private.actions_json(
  p_conversation public.conversations,
  p_user_id uuid,
  p_role text
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(
      jsonb_agg(private.action_json(a, p_conversation) order by a.position), '[]'
    )
    from private.open_actions(p_conversation, p_user_id, p_role) as a
  );
end;
$$;

revoke all on function private.actions_json(public.conversations, uuid, text)
from public, anon, authenticated, service_role;
