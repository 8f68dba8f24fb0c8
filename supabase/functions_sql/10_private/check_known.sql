-- Refuses what is not an object of conversation ids and message numbers.
--
-- Errors: INPUT_INVALID (422) `{field: "known", rule: "object" or "ids_and_seqs"}`.
create or replace function private.check_known(p_known jsonb)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_uuid constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
  if jsonb_typeof(p_known) is distinct from 'object' then
    perform private.raise_input_invalid(
      'known', 'object', 'Pass an object: {"<conversation id>": <last seq>}.'
    );
  end if;
  if exists (
    select from jsonb_each(p_known) as k (id, seq)
    where k.id !~ c_uuid or jsonb_typeof(k.seq) <> 'number' or k.seq::text !~ '^[0-9]{1,18}$'
  ) then
    perform private.raise_input_invalid(
      'known', 'ids_and_seqs', 'Each key is a conversation id, each value its last seq.'
    );
  end if;
end;
$$;

revoke all on function private.check_known(jsonb) from public, anon, authenticated, service_role;
