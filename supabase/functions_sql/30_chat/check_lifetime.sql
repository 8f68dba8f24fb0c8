-- Refuses a lifetime that a message may not have.
--
-- Args: the conversation; hours, fractions allowed (null: for ever).
-- Errors: EXPIRATION_INVALID (422) `{min_hours, max_hours}`, EXPIRATION_NOT_ALLOWED (409) while
-- the conversation is under a legal hold.
create or replace function private.check_lifetime(p_conversation_id uuid, p_hours numeric)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  -- Also a constraint of public.messages.
  c_min_hours constant integer := 1;
  c_max_hours constant integer := 2160;
begin
  if p_hours not between c_min_hours and c_max_hours then
    perform private.raise_error(
      'EXPIRATION_INVALID',
      format('A message disappears after %s to %s hours.', c_min_hours, c_max_hours),
      jsonb_build_object('min_hours', c_min_hours, 'max_hours', c_max_hours), p_status => 422
    );
  end if;
  if p_hours is not null and exists (
    select from private.legal_holds as h where h.conversation_id = p_conversation_id
  ) then
    perform private.raise_error(
      'EXPIRATION_NOT_ALLOWED', 'Messages here must be kept for now.', p_status => 409
    );
  end if;
end;
$$;

revoke all on function private.check_lifetime(uuid, numeric)
from public, anon, authenticated, service_role;
