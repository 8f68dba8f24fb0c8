-- Refuses a conversation that breaks a rule of its columns, as a CHECK of that name would, and lets
-- chat_status and automation_enabled follow flow_state.
--
-- record_step writes all three; a repair by hand may change flow_state alone. Not CHECKs, because
-- PostgreSQL plans each of them anew in every statement on the table. A send changes none of these
-- columns, so it does not run the trigger. Rules about columns that no step changes are in
-- check_parties.
-- Writes: conversations (chat_status, automation_enabled).
-- Errors: 23514 (check_violation) with the rule's name as the constraint; no RPC causes it.
create or replace function private.check_conversation()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_chat_status constant text := private.chat_status_in(new.flow_state);
  v_broken constant text := case
    when not (new.awaiting_role in ('influencer', 'brand_owner')) then 'awaiting_role_is_known'
    when not (new.amount_minor > 0) then 'amount_is_positive'
    when not (
      num_nulls(
        new.captured_minor, new.held_minor, new.released_minor, new.fee_minor,
        new.refunded_minor, new.charged_back_minor
      ) = case when new.kind = 'direct' then 6 when new.kind in ('bid', 'campaign') then 0 end
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
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  if (new.chat_status, new.automation_enabled)
    <> (v_chat_status, v_chat_status = 'automated') then
    update private.conversations as c
    set chat_status = v_chat_status, automation_enabled = v_chat_status = 'automated'
    where c.id = new.id;
  end if;
  return null;
end;
$$;

-- Refuses a conversation that breaks a rule about its kind, members, currency or subject.
--
-- Errors: as check_conversation.
create or replace function private.check_parties()
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
    when not (new.currency ~ '^[A-Z]{3}$') then 'currency_is_iso_4217'
    when not (
      (new.bid_id is not null) = (new.kind = 'bid')
      and (new.campaign_id is not null) = (new.kind = 'campaign')
    ) then 'deal_has_its_subject'
  end;
begin
  if v_broken is not null then
    perform private.raise_broken_rule(tg_table_schema, tg_table_name, v_broken);
  end if;
  return null;
end;
$$;

-- Fills in the columns of a new conversation that follow from others.
create or replace function private.complete_conversation()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.chat_status := private.chat_status_in(new.flow_state);
  new.automation_enabled := new.chat_status = 'automated';
  new.listed_at := date_bin('1 hour', new.last_message_at, timestamptz '2000-01-01 00:00:00+00');
  return new;
end;
$$;

create or replace trigger check_conversation
after insert or update of
  kind, flow_state, chat_status, automation_enabled, awaiting_role, work_status, amount_minor,
  captured_minor, held_minor, released_minor, fee_minor, refunded_minor, charged_back_minor
on private.conversations
for each row execute function private.check_conversation();

create or replace trigger check_parties
after insert or update of
  kind, user_a, user_b, brand_owner_id, influencer_id, currency, bid_id, campaign_id
on private.conversations
for each row execute function private.check_parties();

create or replace trigger complete_conversation
before insert on private.conversations
for each row execute function private.complete_conversation();
