-- The ids of the caller's conversations, for policies.
--
-- Definer: a policy that read private.participants as the caller would need a grant on it.
-- Policies call it as `any((select private.list_my_conversation_ids())::uuid[])`: computed once a
-- statement and used as an index condition, not once a row.
create or replace function private.list_my_conversation_ids()
returns uuid[]
language sql
stable
security definer
set search_path = ''
as $$
  select array(
    select p.conversation_id
    from private.participants as p
    where p.user_id = (select private.my_id())
  );
$$;

grant execute on function private.list_my_conversation_ids() to authenticated;
