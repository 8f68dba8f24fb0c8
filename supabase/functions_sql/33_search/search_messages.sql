-- RPC: messages that hold every word of the query, newest first; returns `[message +
-- {highlight: {text, ranges: [[start, length]]}}]`: the part around the first hit, and the places
-- of the words in it, counted in UTF-16 units from 0 (as JavaScript slices).
create or replace function public.search_messages(
  query text,
  conversation_id uuid default null,
  page_size integer default 20,
  before uuid default null
)
returns json
language sql
set search_path = ''
as $$
  select private.search_messages(query, conversation_id, page_size, before);
$$;

-- Searches the messages that the caller may read now, newest first: each word of the query must be
-- in the text or, unless the message disappears, in the names of its files, in any script; case,
-- width, ligatures, quotes, hyphens and invisible characters do not matter.
--
-- There is no index over the words of all users: its reading time would tell how often a word
-- occurs in messages that the caller may not see, and it would keep words of messages that have
-- disappeared. So a search is the costliest call of a user, and is charged before it reads. A user
-- has one search at a time: searches that a time limit stops, whose charge is rolled back, then
-- keep at most one connection busy.
-- Args: the query (1 to 200 characters); one conversation or all; how many; a message id of the
-- page before.
-- Definer: reads the private views.
-- Locks, writes: the caller's limit on searches (rate_limits).
-- Errors: AUTH_REQUIRED (401), INPUT_INVALID (422) `{field, rule}`, CONVERSATION_NOT_FOUND (404),
-- MESSAGE_NOT_FOUND (404), RATE_LIMITED (429) `{retry_after}`.
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
    select distinct w.word
    from regexp_split_to_table(
      private.fold_text(v_query), '[\s\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+'
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
  perform private.limit_search(v_me);
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

-- Charges a search; refuses it while another one of the same user is under way.
--
-- Locks, writes: rate_limits. Errors: RATE_LIMITED (429) `{retry_after}`.
create or replace function private.limit_search(p_user_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform 1 from private.rate_limits as r
  where r.user_id = p_user_id and r.action = 'search'
  for no key update skip locked;
  if not found and exists (
    select from private.rate_limits as r where r.user_id = p_user_id and r.action = 'search'
  ) then
    perform private.raise_error(
      'RATE_LIMITED', 'Another search of yours is under way.',
      '{"retry_after": 1}', p_status => 429, p_hint => 'Try again when it has ended.',
      p_headers => '{"Retry-After": "1"}'
    );
  end if;
  perform private.limit_rate(p_user_id, 'search');
end;
$$;

-- The caller's visible messages of type user_input that match all patterns, newest first.
create or replace function private.find_messages(
  p_patterns text[],
  p_conversation_id uuid,
  p_before_at timestamptz,
  p_before_id uuid,
  p_limit integer
)
returns table (conversation_id uuid, seq bigint)
language sql
stable
set search_path = ''
as $$
  select m.conversation_id, m.seq
  from private.visible_messages as m
  where m.conversation_id = any (
      (
        select case
          when p_conversation_id is null then private.list_my_conversation_ids()
          else array[p_conversation_id]
        end
      )::uuid[]
    )
    and m.message_type = 'user_input'
    and (p_before_id is null or (m.created_at, m.id) < (p_before_at, p_before_id))
    and private.fold_text(
      case
        when m.attachments is null or m.expires_at is not null then m.message
        else concat_ws(
          e'\n', m.message, jsonb_path_query_array(m.attachments, '$[*].name') #>> '{}'
        )
      end
    ) like all (p_patterns)
  order by m.created_at desc, m.id desc
  limit p_limit;
$$;

-- A text in the form that search compares: words that people call the same fold to the same text.
--
-- Without case (also final sigma, sharp s, dotless i), in compatibility form (full width,
-- ligatures, circled and mathematical letters), with plain quotes and hyphens, and without
-- invisible characters: soft hyphens, joiners, marks of direction, variation selectors.
create or replace function private.fold_text(p_text text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_from constant text := e'\u03c2\u0131\u0130\u2018\u2019\u201b\u2032\u02bc\u201c\u201d\u201e'
    '\u201f\u2033\u00ab\u00bb\u2010\u2011\u2012\u2013\u2014\u2212';
  c_to constant text := e'\u03c3ii\'\'\'\'\'"""""""------';
  c_unseen constant text := e'\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e'
    '\ufe0f\ufeff';
begin
  if octet_length(p_text) = char_length(p_text) then
    return lower(p_text);
  end if;
  return replace(
    translate(
      lower(translate(normalize(p_text, nfkc), e'\u0130', 'i')), c_from || c_unseen, c_to
    ),
    'ß', 'ss'
  );
end;
$$;

-- Where words stand in a text: `{text, ranges: [[start, length]]}`.
--
-- text is the part around the first hit, at most 200 characters. Every hit in it has a range; hits
-- that touch or overlap share one. Ranges instead of markup leave the escaping to the client.
-- Args: the text as it is stored; the words, folded.
create or replace function private.highlight_words(p_text text, p_words text[])
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
  c_lead constant integer := 40;
  c_length constant integer := 200;
  c_step constant integer := 200;
  -- A letter and the marks that fold with it.
  c_piece constant text := '.[\u0300-\u036f\u3099\u309a\uff9e\uff9f]*';
  v_text text := p_text;
  v_pieces text[];
  v_folds text[];
  v_first integer;
  v_last integer;
  -- The piece behind each character of the folded text.
  v_sources integer[];
  v_folded text;
  v_is_hit boolean[];
  v_word text;
  v_from integer;
  v_at integer;
begin
  if p_text = '' then  -- the words stand in the names of files
    return jsonb '{"text": "", "ranges": []}';
  end if;
  -- A long text is searched in parts, and only the part with the first hit is split into pieces.
  if char_length(p_text) > 2 * c_step then
    select min(part) into v_at
    from generate_series(1, char_length(p_text), c_step) as part
    where private.fold_text(substr(p_text, part, 2 * c_step)) like any (
      array(
        select '%' || regexp_replace(w.word, '([\\%_])', '\\\1', 'g') || '%'
        from unnest(p_words) as w (word)
      )
    );
    v_text := substr(p_text, greatest(1, v_at - c_lead), 3 * c_step + c_lead);
  end if;
  v_pieces := array(select p.piece[1] from regexp_matches(v_text, c_piece, 'g') as p (piece));
  v_folds := array(
    select private.fold_text(p.piece) from unnest(v_pieces) with ordinality as p (piece, n)
    order by p.n
  );
  select min(nullif(position(w.word in array_to_string(v_folds, '')), 0)) into v_at
  from unnest(p_words) as w (word);
  select min(f.n) into v_first
  from (
    select f.n, sum(char_length(f.fold)) over (order by f.n) as reached
    from unnest(v_folds) with ordinality as f (fold, n)
  ) as f
  where f.reached >= v_at;
  v_first := greatest(1, coalesce(v_first, 1) - c_lead);
  select max(p.n) into v_last
  from (
    select p.n, sum(char_length(p.piece)) over (order by p.n) as reached
    from unnest(v_pieces[v_first:]) with ordinality as p (piece, n)
  ) as p
  where p.reached <= c_length;
  v_pieces := v_pieces[v_first:v_first + v_last - 1];
  v_folds := v_folds[v_first:v_first + v_last - 1];

  v_folded := array_to_string(v_folds, '');
  v_sources := array(
    select f.n
    from unnest(v_folds) with ordinality as f (fold, n)
    cross join lateral generate_series(1, char_length(f.fold)) as c
    order by f.n
  );
  v_is_hit := array_fill(false, array[cardinality(v_pieces)]);
  foreach v_word in array p_words loop
    v_from := 1;
    loop
      v_at := position(v_word in substr(v_folded, v_from));
      exit when v_at = 0;
      v_at := v_from + v_at - 1;
      for n in v_sources[v_at]..v_sources[v_at + char_length(v_word) - 1] loop
        v_is_hit[n] := true;
      end loop;
      v_from := v_at + 1;
    end loop;
  end loop;

  return jsonb_build_object(
    'text', array_to_string(v_pieces, ''),
    'ranges', (
      select coalesce(jsonb_agg(jsonb_build_array(r.start, r.length) order by r.start), '[]')
      from (
        select min(p.start) as start, sum(p.units) as length
        from (
          select
            p.n, p.is_hit, p.units,
            sum(p.units) over (order by p.n) - p.units as start,
            p.n - row_number() over (partition by p.is_hit order by p.n) as run
          from (
            select
              p.n, v_is_hit[p.n] as is_hit,
              char_length(p.piece) + regexp_count(p.piece, '[\U00010000-\U0010ffff]') as units
            from unnest(v_pieces) with ordinality as p (piece, n)
          ) as p
        ) as p
        where p.is_hit
        group by p.run
      ) as r
    )
  );
end;
$$;

grant execute on function private.search_messages(text, uuid, integer, uuid) to authenticated;
grant execute on function public.search_messages(text, uuid, integer, uuid) to authenticated;
