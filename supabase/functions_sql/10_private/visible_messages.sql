-- The messages that are for the caller and have not expired; membership is its readers' business.
--
-- The one place of that rule for the RPCs; the policy of public.messages repeats it for direct
-- reads, and a test compares the two. Runs with its owner's rights; nobody else has a grant on it.
create or replace view private.visible_messages as
select m.*
from public.messages as m
where (m.visible_to = 'all' or (select auth.uid()) in (m.sender_id, m.receiver_id))
  and (m.expires_at is null or m.expires_at > now());

revoke all on private.visible_messages from public, anon, authenticated, service_role;
