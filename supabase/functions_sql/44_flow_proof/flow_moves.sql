-- A move of the search through a flow: from which situation, by which row of private.flow_rows, to
-- which situation. This view has the moves that open conversations, with a quote or without one;
-- those that the search finds are rows of its type.
--
-- depth counts the steps from the beginning up to and with the move, so that the moves of the least
-- depth into a situation end the shortest ways there. key tells two situations apart. Money that an
-- effect did not find where it must be is `broken`, and the search goes no further from there.
create or replace view private.flow_moves as
select
  f.id as flow_id,
  0 as depth,
  -- The situation that it leaves
  null::text as from_key,
  null::text as from_state,
  null::text as from_awaiting,
  null::text as from_money,
  -- The row
  null::integer as number,
  null::text as role,
  null::text as action,
  null::boolean as is_certain,
  null::boolean as undoes,
  null::boolean as is_timer,
  -- The situation that it leads to
  'initial' || quote.is_given::text as key,
  'initial'::text as state,
  null::text as awaiting,
  'none'::text as money,
  false as has_order,
  quote.is_given as has_quote,
  0 as round,
  false as has_counter,
  0 as revisions,
  false as has_extension,
  null::text as requester,
  null::text as dispute_origin,
  null::text as dispute_opener,
  null::text as resume_state
from private.flow_definitions as f
cross join (values (false), (true)) as quote (is_given)
where f.kind = 'campaign' or not quote.is_given;

revoke all on private.flow_moves from public, anon, authenticated, service_role;
