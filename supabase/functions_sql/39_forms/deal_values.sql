-- What the texts and buttons of a conversation's flow may name in braces, from the conversation
-- alone. Amounts come as a number and, under `…_text`, as people write them.
--
-- private.flow_values adds what a step and the people know.
create or replace function private.deal_values(p_conversation public.conversations)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_data constant jsonb := p_conversation.flow_data;
  v_zone constant text := private.get_setting('quota_timezone') #>> '{}';
begin
  return v_data || jsonb_build_object(
    'offer_text', private.rupees_text((v_data -> 'offer_minor')::bigint),
    'counter_text', private.rupees_text((v_data -> 'counter_minor')::bigint),
    'quote_text', private.rupees_text((v_data -> 'quote_minor')::bigint),
    'agreed_text', private.rupees_text((v_data -> 'agreed_minor')::bigint),
    'released_text', private.rupees_text(p_conversation.released_minor),
    'refund_text', private.rupees_text(
      coalesce(
        (v_data -> 'refund_minor')::bigint,
        (v_data #> '{cancellation,refund_minor}')::bigint,
        p_conversation.held_minor
      )
    ),
    'proposed_price', coalesce(v_data -> 'quote', v_data -> 'proposed_amount'),
    'proposed_hint', ' Proposed: '
      || private.rupees_text((v_data -> 'proposed_minor')::bigint) || '.',
    'quote_hint', ' Price: ' || private.rupees_text((v_data -> 'quote_minor')::bigint) || '.',
    'counter_hint', ' The influencer asked for '
      || private.rupees_text((v_data -> 'counter_minor')::bigint) || '.',
    'pitch_hint', e'\n' || (v_data ->> 'pitch'),
    'details', v_data -> 'project_details',
    'delivery_due', to_char(
      p_conversation.delivery_due_at at time zone v_zone, 'FMDD Mon YYYY'
    ),
    'deadline', to_char(p_conversation.deadline_at at time zone v_zone, 'FMDD Mon YYYY')
  );
end;
$$;

revoke all on function private.deal_values(public.conversations)
from public, anon, authenticated, service_role;
