-- What sends would have noted about these people, where the product keeps such hints: both members
-- of every conversation have written in it.
do $$
begin
  if exists (
    select from information_schema.columns
    where table_schema = 'private' and table_name = 'participants' and column_name = 'has_written'
  ) then
    update private.participants set has_written = true;
  end if;
end;
$$;
