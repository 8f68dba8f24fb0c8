-- Searches what the caller may read now: every word of the query, anywhere in the text, in any
-- script, in upper or lower case. Newest first.
--
-- Args: the query (1 to 200 characters); one conversation or all; how many; a message id of the
-- page before.
-- Definer: reads the private views. Writes: rate_limits.
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`, CONVERSATION_NOT_FOUND (404),
-- MESSAGE_NOT_FOUND (404), RATE_LIMITED (429).
create or replace function private.search_messages(
  p_query text,
  p_conversation_id uuid,
  p_page_size integer,
  p_before uuid
)
returns json
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_me constant uuid := private.require_user();
  v_limit constant integer := private.clamp_page_size(p_page_size, 20, 100);
  v_query constant text := private.read_text(p_query, 'query', 200);
  v_words constant text[] := array(
    select w.word
    from regexp_split_to_table(
      v_query, '[\s\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+'
    ) as w (word)
    where w.word <> ''
  );
  v_patterns text[];
  v_before record;
begin
  if p_conversation_id is not null and not private.is_my_conversation(p_conversation_id) then
    perform private.raise_conversation_not_found();
  end if;
  if v_words = '{}' then
    perform private.raise_input_invalid('query', 'length', 'Search for 1 to 200 characters.');
  end if;
  perform private.limit_rate(v_me, 'search');
  select m.created_at, m.id into v_before
  from public.messages as m
  where m.id = p_before and private.is_my_conversation(m.conversation_id);
  if not found and p_before is not null then
    perform private.raise_error('MESSAGE_NOT_FOUND', 'There is no such message.', p_status => 404);
  end if;

  select array_agg('%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%') into v_patterns
  from unnest(v_words) as w (word);
  return coalesce(
    (
      select json_agg(row_to_json(page) order by page.created_at desc, page.id desc)
      from (
        select m.*, private.highlight_words(m.message, v_words) as highlight
        from private.find_messages(
          v_patterns, p_conversation_id, v_before.created_at, v_before.id, v_limit
        ) as hit
        join private.my_messages as m
          on m.conversation_id = hit.conversation_id and m.seq = hit.seq
      ) as page
    ),
    '[]'
  );
end;
$$;

-- RPC: messages that hold every word of the query, newest first; returns `[message +
-- {highlight: {text, ranges: [[start, length]]}}]`, positions in characters from 0.
create or replace function public.search_messages(
  query text,
  conversation_id uuid default null,
  page_size integer default 20,
  before uuid default null
)
returns json
language sql
security invoker
set search_path = ''
as $$
  select private.search_messages(query, conversation_id, page_size, before);
$$;

revoke all on function private.search_messages(text, uuid, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function private.search_messages(text, uuid, integer, uuid) to authenticated;
revoke all on function public.search_messages(text, uuid, integer, uuid)
from public, anon, authenticated, service_role;
grant execute on function public.search_messages(text, uuid, integer, uuid) to authenticated;
