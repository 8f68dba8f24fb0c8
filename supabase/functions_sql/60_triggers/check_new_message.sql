-- Refuses a message that breaks a rule of its columns, as a CHECK of that name would, and sets
-- is_automated of messages that no user typed.
--
-- Not CHECKs, because PostgreSQL plans each of them, and each trigger's `when`, anew in every
-- statement on the table: eight CHECKs were a sixth of an insert. One condition shows that an
-- ordinary message breaks no rule.
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_new_message()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_broken text;
begin
  if new.message_type = 'user_input' and new.visible_to = 'all' and not new.is_automated
    and num_nonnulls(new.expires_at, new.media_url) = 0
    and octet_length(new.message) <= 5000 and new.seq >= 1 then
    return new;
  end if;
  new.is_automated := new.message_type <> 'user_input';
  v_broken := case
    when not (new.seq >= 1) then 'seq_starts_at_one'
    when not (char_length(new.message) <= 5000) then 'message_fits'
    when not (char_length(new.media_url) <= 2048) then 'media_url_fits'
    when not (new.message_type in ('user_input', 'system', 'automated', 'audit'))
      then 'message_type_is_known'
    when not (new.visible_to in ('all', 'influencer', 'brand_owner', 'sender'))
      then 'visible_to_is_known'
    when not (new.expires_at is null or new.message_type = 'user_input')
      then 'only_user_input_expires'
    when not (
      new.expires_at between new.created_at + interval '1 hour'
        and new.created_at + interval '2160 hours'
    ) then 'expiry_is_within_1_and_2160_hours'
    when not (new.visible_to = 'all' or new.receiver_id is not null)
      then 'hidden_message_names_its_reader'
  end;
  if v_broken is not null then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  return new;
end;
$$;

create or replace trigger check_new_message
before insert on public.messages
for each row execute function private.check_new_message();
