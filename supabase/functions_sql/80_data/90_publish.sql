-- Proves and publishes the drafts of the files before, where they differ from the flow in use.
-- Conversations without a flow get the direct one.
select private.publish_draft(f.id)
from private.flow_definitions as f
where f.status = 'draft'
order by f.kind;

update private.conversations as c
set flow_id = f.id
from private.flow_definitions as f
where c.flow_id is null and f.kind = c.kind and f.status = 'published';
