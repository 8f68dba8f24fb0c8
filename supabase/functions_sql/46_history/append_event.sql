-- Adds a step to the history of its conversation, chained to the step before.
--
-- Call it under the lock of the conversation's row.
-- Args: the step, with the conversation after it (version, to_state); the state before it; the
-- details that both sides may read.
-- Writes: conversation_events, event_salts.
create or replace function private.append_event(
  p_step private.flow_step,
  p_from_state text,
  p_details jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  -- 122 of its 128 bits are random, so nobody can check a guess of the details.
  v_salt constant bytea := uuid_send(gen_random_uuid());
  v_event public.conversation_events;
  v_previous_hash bytea;
begin
  v_event.conversation_id := (p_step.conversation).id;
  v_event.version := (p_step.conversation).version;
  v_event.actor_role := p_step.role;
  -- Both sides read it, so the operator is named only in private.disputes and private.alerts.
  v_event.actor_id := case when p_step.role <> 'admin' then p_step.actor_id end;
  v_event.action := p_step.action;
  v_event.from_state := p_from_state;
  v_event.to_state := (p_step.conversation).flow_state;
  v_event.details := coalesce(p_details, '{}');
  -- now() would be the time before a wait for the lock.
  v_event.created_at := greatest(clock_timestamp(), p_step.at);
  v_event.effective_at := p_step.at;
  v_event.commitment := private.commit_to_details(v_salt, v_event.details);
  select e.hash into v_previous_hash
  from public.conversation_events as e
  where e.conversation_id = v_event.conversation_id and e.version = v_event.version - 1;
  v_event.hash := private.hash_event(v_event, v_previous_hash);
  with event as (
    insert into public.conversation_events select v_event.*
    returning conversation_id, version
  )
  insert into private.event_salts (conversation_id, version, salt)
  select e.conversation_id, e.version, v_salt from event as e;
end;
$$;

-- The commitment to an event's details: with the salt it proves them, without it says nothing.
create or replace function private.commit_to_details(p_salt bytea, p_details jsonb)
returns bytea
language sql
stable
as $$
  select sha256(p_salt || convert_to(p_details::text, 'utf8'));
$$;

-- The hash that an event of a conversation must have, from its columns and the hash before it.
--
-- sha256 of the hash before (nothing for the first event), the JSON array `[conversation_id,
-- version, actor_role, actor_id, action, from_state, to_state, created_at, effective_at]` with
-- times in microseconds since 1970 UTC, and the commitment. Clients that keep a head_hash rely on
-- this format: it never changes.
create or replace function private.hash_event(
  p_event public.conversation_events,
  p_previous_hash bytea
)
returns bytea
language sql
stable
as $$
  select sha256(
    coalesce(p_previous_hash, '')
    || convert_to(
      json_build_array(
        p_event.conversation_id, p_event.version, p_event.actor_role, p_event.actor_id,
        p_event.action, p_event.from_state, p_event.to_state,
        trunc(extract(epoch from p_event.created_at) * 1000000),
        trunc(extract(epoch from p_event.effective_at) * 1000000)
      )::text,
      'utf8'
    )
    || p_event.commitment
  );
$$;
