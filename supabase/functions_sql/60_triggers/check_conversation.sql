-- Refuses a conversation that breaks a rule of its columns, as a CHECK of that name would.
--
-- Not CHECKs, because PostgreSQL reads and plans each of them anew in every statement on the table,
-- and a send changes none of these columns: the trigger does not run then.
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC ever gets there.
create or replace function private.check_conversation()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_broken constant text := case
    when not (new.kind in ('direct', 'bid', 'campaign')) then 'kind_is_known'
    when not (new.user_a < new.user_b) then 'members_are_ordered'
    when not case new.kind
      when 'direct' then new.brand_owner_id is null and new.influencer_id is null
      else new.brand_owner_id in (new.user_a, new.user_b)
        and new.influencer_id in (new.user_a, new.user_b)
        and new.brand_owner_id <> new.influencer_id
    end then 'roles_belong_to_deals'
    when not (new.awaiting_role in ('influencer', 'brand_owner')) then 'awaiting_role_is_known'
    when not (new.amount_minor > 0) then 'amount_is_positive'
    when not (new.currency ~ '^[A-Z]{3}$') then 'currency_is_iso_4217'
    when not (
      (new.bid_id is not null) = (new.kind = 'bid')
      and (new.campaign_id is not null) = (new.kind = 'campaign')
    ) then 'deal_has_its_subject'
    when not (
      (new.kind = 'direct') = (new.captured_minor is null)
      and num_nulls(
        new.captured_minor, new.held_minor, new.released_minor, new.fee_minor,
        new.refunded_minor, new.charged_back_minor
      ) in (0, 6)
    ) then 'only_deals_have_books'
    when not (
      new.held_minor >= 0
      and new.held_minor = new.captured_minor - new.released_minor - new.fee_minor
        - new.refunded_minor - new.charged_back_minor
    ) then 'books_balance'
    when not (new.flow_state <> 'chat_closed' or new.held_minor = 0)
      then 'closed_deal_holds_nothing'
    when not (
      new.work_status in (
        'in_progress', 'submitted', 'revision_requested', 'approved', 'cancelled', 'disputed'
      )
    ) then 'work_status_is_known'
  end;
begin
  if v_broken is not null then
    raise check_violation using
      message = format(
        'new row for relation "conversations" violates check constraint "%s"', v_broken
      ),
      schema = tg_table_schema, table = tg_table_name, constraint = v_broken;
  end if;
  return null;
end;
$$;

create or replace trigger check_conversation
after insert or update of
  kind, user_a, user_b, brand_owner_id, influencer_id, flow_state, awaiting_role, work_status,
  amount_minor, currency, bid_id, campaign_id, captured_minor, held_minor, released_minor,
  fee_minor, refunded_minor, charged_back_minor
on public.conversations
for each row execute function private.check_conversation();
