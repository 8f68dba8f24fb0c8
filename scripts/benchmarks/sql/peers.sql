-- What the send in steps locks and counts in, where the product has one row of an account.
create table bench.message_quotas (
  user_id uuid primary key,
  quota_date date not null,
  messages_sent_today integer not null,
  daily_free_limit integer not null
);
create table bench.points_wallets (user_id uuid primary key, balance bigint not null);
insert into bench.message_quotas
select u.id, current_date, 0, 1000000 from public.users as u;
insert into bench.points_wallets select u.id, 0 from public.users as u;
grant select, update on bench.message_quotas, bench.points_wallets to postgres;
