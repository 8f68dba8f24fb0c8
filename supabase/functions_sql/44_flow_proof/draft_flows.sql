-- The drafts that a source's rows go into: those of one kind, of both kinds of deals (`deals`), or
-- of all kinds (`all`).
--
-- Drafts exist only while a transaction makes and publishes them; see 80_data.
create or replace function private.draft_flows(p_kinds text)
returns setof bigint
language sql
stable
set search_path = ''
as $$
  select f.id
  from private.flow_definitions as f
  where f.status = 'draft'
    and case p_kinds
      when 'all' then true
      when 'deals' then f.kind in ('bid', 'campaign')
      else f.kind = p_kinds
    end;
$$;
