-- Refuses what is not an object of conversation ids and message numbers.
--
-- Errors: INPUT_INVALID (422) `{field: "known", rule: "object", "size", "depth", "entries" or
-- "ids_and_seqs"}`.
create or replace function private.check_known(p_known jsonb)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  c_count constant text := '^[0-9]{1,18}$';
  c_uuid constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
  perform private.check_json(p_known, 'known', 524288);
  if jsonb_typeof(p_known) is distinct from 'object' then
    perform private.raise_input_invalid(
      'known', 'object', 'Pass an object: {"<conversation id>": <last seq>}.'
    );
  end if;
  if 2000 < (select count(*) from jsonb_object_keys(p_known)) then
    perform private.raise_input_invalid('known', 'entries', 'Pass at most 2,000 conversations.');
  end if;
  if exists (
    select from jsonb_each(p_known) as k (id, value)
    where k.id !~ c_uuid
      or not case jsonb_typeof(k.value)
        when 'number' then k.value::text ~ c_count
        when 'object' then (k.value - array['seq', 'version']) = '{}'
          and coalesce((k.value -> 'seq')::text ~ c_count, false)
          and coalesce((k.value -> 'version')::text ~ c_count, true)
        else false
      end
  ) then
    perform private.raise_input_invalid(
      'known', 'ids_and_seqs',
      'Each key is a conversation id, each value its last seq or {seq, version}.'
    );
  end if;
end;
$$;

revoke all on function private.check_known(jsonb) from public, anon, authenticated, service_role;
