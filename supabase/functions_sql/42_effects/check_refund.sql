-- Refuses a refund of more than what a deal holds; none named is all of it.
--
-- Errors: PRICE_OUT_OF_RANGE (422) `{min, max}`, in rupees.
create or replace function private.check_refund(
  p_conversation public.conversations,
  p_amount_minor bigint
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if p_amount_minor > p_conversation.held_minor then
    perform private.raise_error(
      'PRICE_OUT_OF_RANGE',
      format(
        'The refund is at most %s: that is what the deal holds.',
        private.rupees_text(p_conversation.held_minor)
      ),
      jsonb_build_object('min', 1, 'max', private.rupees(p_conversation.held_minor)),
      p_status => 422
    );
  end if;
end;
$$;

revoke all on function private.check_refund(public.conversations, bigint)
from public, anon, authenticated, service_role;
