-- How far a dispute's status is; null for one that is not known.
create or replace function private.dispute_rank(p_status text)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case p_status
    when 'open' then 1
    when 'under_review' then 2
    when 'action_required' then 2
    when 'won' then 3
    when 'lost' then 3
    when 'closed' then 3
  end;
end;
$$;

revoke all on function private.dispute_rank(text) from public, anon, authenticated, service_role;
