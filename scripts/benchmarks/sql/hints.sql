-- What sends would have noted about these people, where the product keeps such hints: both members
-- of every conversation have written in it.
do $$
begin
  if exists (
    select from information_schema.columns
    where table_schema = 'public' and table_name = 'conversations' and column_name = 'user_a_wrote'
  ) then
    update public.conversations set user_a_wrote = true, user_b_wrote = true;
  end if;
end;
$$;
