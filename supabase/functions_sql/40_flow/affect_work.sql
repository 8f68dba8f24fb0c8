-- The effects on the work: its start, submissions, revisions, more time, and ratings.
--
-- Args: the effect; the step. Returns the step's conversation as the effect leaves it.
-- Writes: work_submissions, files, ratings, unless the step is a trial.
create or replace function private.affect_work(p_effect text, p_step private.flow_step)
returns private.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_deal private.conversations := p_step.conversation;
begin
  case p_effect
    when 'start_work' then
      v_deal.delivery_due_at
        := p_step.at + (p_step.rules ->> 'delivery_days')::numeric * interval '24 hours';

    when 'store_submission' then
      v_deal.work_submitted := true;
      v_deal.submission_date := p_step.at;
      v_deal.work_submission := p_step.input || jsonb_build_object('submitted_at', p_step.at);
      if not p_step.is_trial then
        insert into public.work_submissions (
          conversation_id, number, deliverables, description, submission_notes, attachments,
          submitted_at
        )
        select
          v_deal.id, coalesce(max(s.number), 0) + 1, p_step.input ->> 'deliverables',
          p_step.input ->> 'description', p_step.input ->> 'submission_notes',
          p_step.input -> 'attachments', p_step.at
        from public.work_submissions as s
        where s.conversation_id = v_deal.id;
        if p_step.input ? 'attachments' then
          perform private.attach_files(p_step.input -> 'attachments', null);
        end if;
      end if;

    when 'withdraw_submission' then
      perform private.review_submission(p_step, 'withdrawn');
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'withdrawals');
      select
        jsonb_strip_nulls(jsonb_build_object(
          'deliverables', s.deliverables, 'description', s.description,
          'submission_notes', s.submission_notes, 'submitted_at', s.submitted_at
        ))
        || case
          when s.attachments is null then '{}'
          else jsonb_build_object('attachments', s.attachments)
        end,
        s.submitted_at
      into v_deal.work_submission, v_deal.submission_date
      from public.work_submissions as s
      where s.conversation_id = v_deal.id and s.status = 'revision_requested'
      order by s.number desc
      limit 1;
      v_deal.work_submitted := v_deal.work_submission is not null;

    when 'request_revision' then
      v_deal.work_status := 'revision_requested';
      v_deal.flow_data := v_deal.flow_data || jsonb_build_object(
        'revision_count', private.flow_count(v_deal.flow_data, 'revision_count') + 1
      );
      v_deal.delivery_due_at := greatest(
        v_deal.delivery_due_at,
        p_step.at + (p_step.rules ->> 'revision_days')::numeric * interval '24 hours'
      );
      v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);
      perform private.review_submission(p_step, 'revision_requested');

    when 'approve_work' then
      perform private.review_submission(p_step, 'approved');

    when 'propose_extension' then
      v_deal.flow_data := private.count_use(v_deal.flow_data, p_step.role, 'extensions')
        || jsonb_build_object('extension', jsonb_build_object('days', p_step.input -> 'days'));

    when 'accept_extension' then
      v_deal.delivery_due_at := v_deal.delivery_due_at
        + (v_deal.flow_data #>> '{extension,days}')::integer * interval '24 hours';
      v_deal.flow_data := v_deal.flow_data - 'extension';
      v_deal.deadline_at := private.state_deadline(v_deal, p_step.rules);

    when 'drop_extension' then
      v_deal.flow_data := v_deal.flow_data - 'extension';

    when 'keep_rating' then
      if not p_step.is_trial then
        insert into private.ratings (conversation_id, rater_id, rating, comment, created_at)
        values (
          v_deal.id, p_step.actor_id, (p_step.input -> 'rating')::integer,
          p_step.input ->> 'comment', p_step.at
        );
      end if;
  end case;
  return v_deal;
end;
$$;

-- Records the review of the newest submission, with the feedback of the step.
--
-- Writes: work_submissions, unless the step is a trial.
create or replace function private.review_submission(p_step private.flow_step, p_status text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if not p_step.is_trial then
    update public.work_submissions as s
    set status = p_status, feedback = p_step.input ->> 'feedback', reviewed_at = p_step.at
    where s.conversation_id = (p_step.conversation).id and s.status = 'submitted';
  end if;
end;
$$;
