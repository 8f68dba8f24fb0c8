-- Relationships for embedding, such as `conversations?select=*,messages(*)`, where there is no
-- foreign key. PostgREST calls such a function for each row; policies decide which rows it finds.
--
-- A foreign key would cost every send a check; these functions cost it nothing. They pin no
-- search_path, so that Postgres inlines them: an embedded page reads its rows by the index. Nobody
-- can call them as RPCs, because their argument has no name.

create or replace function public.messages(public.conversations)
returns setof public.messages
language sql
stable
as $$
  select m.* from public.messages as m where m.conversation_id = $1.id;
$$;

create or replace function public.conversation_events(public.conversations)
returns setof public.conversation_events
language sql
stable
as $$
  select e.* from public.conversation_events as e where e.conversation_id = $1.id;
$$;

create or replace function public.conversations(public.conversation_events)
returns setof public.conversations
language sql
stable
rows 1
as $$
  select c.* from public.conversations as c where c.id = $1.conversation_id;
$$;

create or replace function public.brand_owner(public.conversations)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.brand_owner_id;
$$;

create or replace function public.influencer(public.conversations)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.influencer_id;
$$;

create or replace function public.conversations(public.messages)
returns setof public.conversations
language sql
stable
rows 1
as $$
  select c.* from public.conversations as c where c.id = $1.conversation_id;
$$;

create or replace function public.sender(public.messages)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.sender_id;
$$;

create or replace function public.receiver(public.messages)
returns setof public.users
language sql
stable
rows 1
as $$
  select u.* from public.users as u where u.id = $1.receiver_id;
$$;

grant execute on function
  public.messages(public.conversations),
  public.conversation_events(public.conversations),
  public.brand_owner(public.conversations),
  public.influencer(public.conversations),
  public.conversations(public.messages),
  public.conversations(public.conversation_events),
  public.sender(public.messages),
  public.receiver(public.messages)
to authenticated, service_role;
