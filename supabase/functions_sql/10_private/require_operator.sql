-- Lets through the service role, and users that private.admins lists.
--
-- Errors: FORBIDDEN (403).
create or replace function private.require_operator()
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not private.is_operator() then
    perform private.raise_error(
      'FORBIDDEN', 'This is for operators.', p_status => 403
    );
  end if;
end;
$$;

-- Refuses an operator who is a member of the conversation: operators do not decide their own deals.
--
-- Errors: FORBIDDEN (403).
create or replace function private.refuse_own(p_conversation_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if exists (
    select from private.conversations as c
    where c.id = p_conversation_id and auth.uid() in (c.user_a, c.user_b)
  ) then
    perform private.raise_error(
      'FORBIDDEN', 'An operator decides nothing in a conversation of their own.', p_status => 403,
      p_hint => 'Ask another operator.'
    );
  end if;
end;
$$;

-- Whether the caller is the service role, or a user that private.admins lists.
create or replace function private.is_operator()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  -- The role of the request, not of a definer's owner; PostgREST sets it from the token.
  return coalesce(auth.role() = 'service_role', false)
    or exists (select from private.admins as a where a.user_id = auth.uid());
end;
$$;
