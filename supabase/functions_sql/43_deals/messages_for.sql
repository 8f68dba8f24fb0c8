-- Those of some new messages that a user may see, in the shape that clients get, as an array.
create or replace function private.messages_for(p_messages public.messages[], p_user_id uuid)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(private.message_json(m) order by m.seq), '[]')
    from unnest(p_messages) as m
    where m.visible_to = 'all' or m.receiver_id = p_user_id
  );
end;
$$;

revoke all on function private.messages_for(public.messages[], uuid)
from public, anon, authenticated, service_role;
