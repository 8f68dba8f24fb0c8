-- What sends would have noted about these people, where the product keeps such hints: both members
-- of every conversation have written in it, and the list is in the order of the newest messages.
do $$
begin
  if exists (
    select from information_schema.columns
    where table_schema = 'private' and table_name = 'conversations' and column_name = 'user_a_wrote'
  ) then
    update private.conversations
    set
      user_a_wrote = true,
      user_b_wrote = true,
      listed_at = date_bin('1 hour', last_message_at, timestamptz '2000-01-01 00:00:00+00');
  end if;
end;
$$;
