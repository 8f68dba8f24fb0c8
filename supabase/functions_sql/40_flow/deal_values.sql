-- Texts with values in them: the values of a deal, money in words, and how a template is filled.

-- The values of placeholders that come from the conversation alone. Amounts come as a number and,
-- under `…_text`, as people write them.
--
-- private.flow_values adds those of a step and of its parties.
-- Args: the conversation; the texts, to read only the values that they name (null: all).
create or replace function private.deal_values(
  p_conversation private.conversations,
  p_texts text default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_data constant jsonb := p_conversation.flow_data;
  v_values jsonb := v_data;
  v_zone text;
begin
  if p_texts is null or position('_text}' in p_texts) > 0 then
    v_values := v_values || jsonb_build_object(
      'offer_text', private.rupees_text((v_data -> 'offer_minor')::bigint),
      'counter_text', private.rupees_text((v_data -> 'counter_minor')::bigint),
      'quote_text', private.rupees_text((v_data -> 'quote_minor')::bigint),
      'agreed_text', private.rupees_text((v_data -> 'agreed_minor')::bigint),
      'released_text', private.rupees_text(p_conversation.released_minor),
      'refunded_text', private.rupees_text(p_conversation.refunded_minor),
      'refund_text', private.rupees_text(
        coalesce(
          (v_data -> 'refund_minor')::bigint,
          (v_data #> '{cancellation,refund_minor}')::bigint,
          p_conversation.held_minor
        )
      )
    );
  end if;
  if p_texts is null or position('_hint}' in p_texts) > 0 then
    v_values := v_values || jsonb_build_object(
      'released_hint', ' '
        || private.rupees_text(nullif(p_conversation.released_minor, 0)) || ' is yours.',
      'proposed_hint', ' Proposed: '
        || private.rupees_text((v_data -> 'proposed_minor')::bigint) || '.',
      'quote_hint', ' Price: ' || private.rupees_text((v_data -> 'quote_minor')::bigint) || '.',
      'counter_hint', ' The influencer asked for '
        || private.rupees_text((v_data -> 'counter_minor')::bigint) || '.'
    );
  end if;
  if p_texts is null or position('{de' in p_texts) > 0 then
    v_zone := private.get_setting('quota_timezone') #>> '{}';
    v_values := v_values || jsonb_build_object(
      'details', v_data -> 'project_details',
      'delivery_due', to_char(
        p_conversation.delivery_due_at at time zone v_zone, 'FMDD Mon YYYY'
      ),
      'deadline', to_char(p_conversation.deadline_at at time zone v_zone, 'FMDD Mon YYYY')
    );
  end if;
  return v_values || jsonb_build_object(
    'proposed_price', coalesce(v_data -> 'quote', v_data -> 'proposed_amount'),
    'pitch', v_data -> 'pitch'
  );
end;
$$;

-- A text of the flow with each `{name}` replaced by the value of that name, as text.
--
-- A name without a value becomes nothing. Braces inside a value stay as they are, so one party's
-- text cannot show the other a value that is not for it.
create or replace function private.fill_template(p_text text, p_values jsonb)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_pieces text[];
  v_piece text;
  v_name text;
  v_filled text;
begin
  if p_text is null or position('{' in p_text) = 0 then
    return p_text;
  end if;
  v_pieces := string_to_array(p_text, '{');
  v_filled := v_pieces[1];
  foreach v_piece in array v_pieces[2:] loop
    v_name := substring(v_piece from '^([a-z][a-z0-9_]*)\}');
    v_filled := v_filled || case
      when v_name is null then '{' || v_piece
      else coalesce(p_values ->> v_name, '') || substr(v_piece, char_length(v_name) + 2)
    end;
  end loop;
  return v_filled;
end;
$$;

-- An amount for flow_data: in rupees under one key, in paise under another.
create or replace function private.money_json(p_key text, p_minor_key text, p_minor bigint)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(p_key, private.rupees(p_minor), p_minor_key, p_minor);
$$;

-- An amount in paise as rupees, without needless zeros.
create or replace function private.rupees(p_minor bigint)
returns numeric
language sql
immutable
as $$
  select trim_scale(p_minor / 100.0);
$$;

-- An amount in paise as people in India write it: 150000050 is ₹15,00,000.50.
--
-- The last three digits of the rupees form a group, the ones before pairs.
create or replace function private.rupees_text(p_minor bigint)
returns text
language plpgsql
immutable
strict
set search_path = ''
as $$
declare
  v_rupees constant text := (p_minor / 100)::text;
begin
  return '₹'
    || case when char_length(v_rupees) > 3
      then regexp_replace(
        left(v_rupees, -3), '(\d)(?=(\d\d)+$)', '\1,', 'g'
      ) || ',' || right(v_rupees, 3)
      else v_rupees
    end
    || case when p_minor % 100 = 0 then '' else '.' || lpad((p_minor % 100)::text, 2, '0') end;
end;
$$;
