-- RPC: the market in one call: open bids and campaigns, the caller's own, the caller's applications
-- and those to the caller's campaigns, newest first; returns `{bids, campaigns, mine, requests,
-- profile, version}`, or `{not_modified: true, version}` when the caller's is current.
create or replace function public.get_market_screen(
  page_size integer default 20,
  known_version text default null
)
returns json
language sql
stable
set search_path = ''
as $$
  select private.get_market_screen(page_size, known_version);
$$;

-- The rows of the market that the policies show to the caller.
--
-- Definer: checks the caller once instead of a policy for each row.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) for a malformed version.
create or replace function private.get_market_screen(p_page_size integer, p_known_version text)
returns json
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 20, 100);
begin
  perform private.check_size(p_known_version, 'known_version', 64);
  return private.screen_json(
    json_build_object(
      'bids', (
        select coalesce(json_agg(page order by page.created_at desc), '[]')
        from (
          select
            b.*,
            json_build_object(
              'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url,
              'role', u.role
            ) as owner,
            (
              select c.id from private.conversations as c
              where c.bid_id = b.id and c.brand_owner_id = v_me and c.chat_status <> 'closed'
                and (private.as_of_now(c)).chat_status <> 'closed'
            ) as conversation_id
          from public.bids as b
          join public.users as u on u.id = b.influencer_id
          where b.status = 'open'
          order by b.created_at desc
          limit v_limit
        ) as page
      ),
      'campaigns', (
        select coalesce(json_agg(page order by page.created_at desc), '[]')
        from (
          select
            g.*,
            json_build_object(
              'id', u.id, 'display_name', u.display_name, 'avatar_url', u.avatar_url,
              'role', u.role
            ) as owner,
            (
              select c.id from private.conversations as c
              where c.campaign_id = g.id and c.influencer_id = v_me and c.chat_status <> 'closed'
                and (private.as_of_now(c)).chat_status <> 'closed'
            ) as conversation_id
          from public.campaigns as g
          join public.users as u on u.id = g.brand_owner_id
          where g.status = 'open'
          order by g.created_at desc
          limit v_limit
        ) as page
      ),
      'mine', json_build_object(
        'bids', (
          select coalesce(json_agg(b order by b.created_at desc), '[]')
          from (
            select b.* from public.bids as b
            where b.influencer_id = v_me order by b.created_at desc limit v_limit
          ) as b
        ),
        'campaigns', (
          select coalesce(json_agg(g order by g.created_at desc), '[]')
          from (
            select g.* from public.campaigns as g
            where g.brand_owner_id = v_me order by g.created_at desc limit v_limit
          ) as g
        )
      ),
      'requests', (
        select coalesce(json_agg(r order by r.created_at desc), '[]')
        from (
          select r.* from public.requests as r
          where r.influencer_id = v_me
            or r.campaign_id = any(
              array(select g.id from public.campaigns as g where g.brand_owner_id = v_me)
            )
          order by r.created_at desc
          limit v_limit
        ) as r
      ),
      'profile', private.get_profile()
    ),
    p_known_version
  );
end;
$$;

grant execute on function public.get_market_screen(integer, text) to authenticated;
grant execute on function private.get_market_screen(integer, text) to authenticated;
