-- Ends the call with an error that PostgREST turns into the HTTP answer
-- `status {"code", "message", "details", "hint"}`; `details` is the JSON text of an object.
--
-- Args: code of docs/ERRORS.md; a sentence for people; details; HTTP status; what to do next;
-- response headers. Never pass a client's text as p_code or in p_headers.
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
