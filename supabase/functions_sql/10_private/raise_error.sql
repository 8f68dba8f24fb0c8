-- Ends the call with an error that PostgREST turns into the HTTP answer
-- `status {"code", "message", "details", "hint"}`; `details` is the JSON text of an object.
--
-- Args: code of docs/ERRORS.md; a sentence for people; details; HTTP status; a hint; response
-- headers. Never pass a client's text as p_code or in p_headers.
-- Source of the convention: postgrest.org, "Raise errors with HTTP status codes" (SQLSTATE PGRST).
-- Errors: always, with SQLSTATE PGRST.
create or replace function private.raise_error(
  p_code text,
  p_message text,
  p_details jsonb default '{}',
  p_status integer default 400,
  p_hint text default null,
  p_headers jsonb default '{}'
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise sqlstate 'PGRST' using
    message = jsonb_build_object(
      'code', p_code, 'message', p_message, 'details', p_details::text, 'hint', p_hint
    )::text,
    detail = jsonb_build_object('status', p_status, 'headers', p_headers)::text;
end;
$$;

-- Ends the call because an argument breaks a rule for that argument.
--
-- Args: the argument's name; the rule's name, stable for clients; a sentence for people.
-- Errors: INPUT_INVALID (422) `{field, rule}`.
create or replace function private.raise_input_invalid(p_field text, p_rule text, p_message text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error(
    'INPUT_INVALID', p_message,
    jsonb_build_object('field', p_field, 'rule', p_rule), p_status => 422
  );
end;
$$;

-- Ends the call with the one answer for a conversation that does not exist or is not the caller's.
--
-- Errors: CONVERSATION_NOT_FOUND (404).
create or replace function private.raise_conversation_not_found()
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error(
    'CONVERSATION_NOT_FOUND', 'There is no such conversation among yours.', p_status => 404,
    p_hint => 'Call get_conversations to see yours.'
  );
end;
$$;

-- Refuses the statement whose trigger calls it, with the error of a broken CHECK of that name.
--
-- Errors: 23514 (check_violation) with the rule as the constraint.
create or replace function private.raise_broken_rule(p_schema text, p_table text, p_rule text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise check_violation using
    message = format('new row for relation "%s" violates check constraint "%s"', p_table, p_rule),
    schema = p_schema, table = p_table, constraint = p_rule;
end;
$$;
