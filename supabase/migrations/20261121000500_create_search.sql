-- Search in messages: words and parts of words, in any script.

create extension if not exists pg_trgm with schema extensions;

-- Messages that disappear are left out, so that no copy of their words outlives them.
create index messages_words on public.messages
using gin (message extensions.gin_trgm_ops)
where message_type = 'user_input' and expires_at is null;
