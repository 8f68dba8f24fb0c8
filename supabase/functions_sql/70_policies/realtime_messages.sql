-- Who may hear a private channel, and who may speak on it; see private.is_my_topic.
--
-- Realtime probes these with an empty row: they may use only the topic, the extension and the
-- caller.
drop policy if exists realtime_messages_select_own_topic on realtime.messages;
create policy realtime_messages_select_own_topic on realtime.messages
for select to authenticated
using ((select private.is_my_topic(realtime.topic(), p_speak => false)));

drop policy if exists realtime_messages_insert_own_topic on realtime.messages;
create policy realtime_messages_insert_own_topic on realtime.messages
for insert to authenticated
with check (
  extension in ('broadcast', 'presence')
  and (select private.is_my_topic(realtime.topic(), p_speak => true))
);
