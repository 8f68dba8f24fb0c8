-- What a client of `sync` has of a conversation: the last seq (0: nothing), and the version of the
-- context when it was given.
--
-- Args: a value of `known`, as check_known lets through; null for a conversation not named.
create or replace function private.read_known(p_value jsonb)
returns table (seq bigint, version bigint)
language sql
immutable
security invoker
set search_path = ''
as $$
  select
    coalesce(
      case jsonb_typeof(p_value)
        when 'object' then (p_value ->> 'seq')::bigint
        else p_value::bigint
      end,
      0
    ),
    (p_value ->> 'version')::bigint;
$$;

revoke all on function private.read_known(jsonb) from public, anon, authenticated, service_role;
