-- Publishes the drafts that the files before this one have filled: proved, and only where they
-- differ from the flow in use. Conversations from before there were flows get the direct one.
select private.publish_draft(f.id)
from private.flow_definitions as f
where f.status = 'draft'
order by f.kind;

update private.conversations as c
set flow_id = f.id
from private.flow_definitions as f
where c.flow_id is null and f.kind = c.kind and f.status = 'published';
