-- Small readers of a conversation, for guards, effects and texts.

-- A counter in flow_data; 0 before it is first counted.
create or replace function private.flow_count(p_flow_data jsonb, p_key text)
returns integer
language sql
immutable
as $$
  select coalesce((p_flow_data ->> p_key)::integer, 0);
$$;

-- flow_data with one more use, by a side, of the counter that a rule max_<what> limits.
create or replace function private.count_use(p_flow_data jsonb, p_role text, p_what text)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_used constant jsonb := coalesce(p_flow_data -> 'used', '{}');
begin
  return p_flow_data || jsonb_build_object(
    'used', v_used || jsonb_build_object(
      p_role, coalesce(v_used -> p_role, '{}') || jsonb_build_object(
        p_what, private.flow_count(v_used -> p_role, p_what) + 1
      )
    )
  );
end;
$$;

-- The role of the other party; null for the system and for operators.
create or replace function private.other_role(p_role text)
returns text
language sql
immutable
as $$
  select case p_role
    when 'influencer' then 'brand_owner'
    when 'brand_owner' then 'influencer'
    when 'member' then 'member'
  end;
$$;

-- The role of a member in a conversation: influencer, brand_owner, or member of a direct chat.
create or replace function private.role_in(
  p_conversation private.conversations,
  p_user_id uuid
)
returns text
language sql
immutable
as $$
  select case p_user_id
    when p_conversation.influencer_id then 'influencer'
    when p_conversation.brand_owner_id then 'brand_owner'
    else 'member'
  end;
$$;
