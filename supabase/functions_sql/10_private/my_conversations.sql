-- The caller's id while the login has an account, else null: for policies, where a token that
-- outlives its login, or an anonymous one, must read nothing.
--
-- Definer: a policy that read private.accounts as the caller would need a grant on it.
-- Policies call it as `(select private.my_id())`: computed once a statement, not once a row.
create or replace function private.my_id()
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
  select a.user_id from private.accounts as a where a.user_id = (select auth.uid());
$$;

-- Whether the caller is a member of the conversation.
create or replace function private.is_my_conversation(p_conversation_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.participants as p
    where p.conversation_id = p_conversation_id and p.user_id = (select auth.uid())
  );
end;
$$;

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

-- Whether a Realtime topic is the caller's: for hearing it, or also for speaking on it.
--
-- The user hears `user:<uid>`, and no client speaks there. The members hear and speak on
-- `conversation:<id>`, for typing and presence; nobody speaks there across a block. The owner, and
-- users with a conversation on it, hear `bid:<id>` and `campaign:<id>`. Capitals in an id do not
-- matter.
-- Definer: policies on realtime.messages run as the caller, who may not read participants.
create or replace function private.is_my_topic(p_topic text, p_speak boolean)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  c_uuid constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
  v_kind constant text := split_part(p_topic, ':', 1);
  v_id constant text := substr(p_topic, length(v_kind) + 2);
begin
  if v_id !~* c_uuid or private.my_id() is null then
    return false;
  end if;
  return case v_kind
    when 'user' then not p_speak and v_id::uuid = auth.uid()
    when 'conversation' then private.is_my_conversation(v_id::uuid)
      and not (
        p_speak and exists (
          select from private.conversations as c
          where c.id = v_id::uuid and private.is_blocked(c.user_a, c.user_b)
        )
      )
    when 'bid' then not p_speak and (
      exists (
        select from public.bids as b
        where b.id = v_id::uuid and b.influencer_id = auth.uid()
      )
      or exists (
        select from private.conversations as c
        where c.bid_id = v_id::uuid and c.brand_owner_id = auth.uid()
      )
    )
    when 'campaign' then not p_speak and (
      exists (
        select from public.campaigns as g
        where g.id = v_id::uuid and g.brand_owner_id = auth.uid()
      )
      or exists (
        select from private.conversations as c
        where c.campaign_id = v_id::uuid and c.influencer_id = auth.uid()
      )
    )
    else false
  end;
end;
$$;

grant execute on function private.my_id() to authenticated;
grant execute on function private.list_my_conversation_ids() to authenticated;
grant execute on function private.is_my_topic(text, boolean) to authenticated;
