-- Begins a draft of each kind's flow; the files that follow fill them, the last one publishes what
-- differs from the flow that is in use.
--
-- The rules: prices a brand owner may name in one deal; revisions that may be asked for; questions
-- about the details; days from the start of work to its delivery, and from there until the brand
-- owner may cancel; hours that a payment attempt may still come through (Razorpay's late
-- authorisation takes up to 3 days); the platform's fee in hundredths of a percent; days until a
-- single rating is shown.
insert into private.flow_definitions (kind, rules) values
  (
    'bid',
    '{
      "max_rounds": 3, "max_revisions": 3, "max_questions": 10, "delivery_days": 14,
      "overdue_grace_days": 7, "attempt_hours": 73, "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  (
    'campaign',
    '{
      "max_rounds": 3, "max_revisions": 3, "max_questions": 10, "delivery_days": 14,
      "overdue_grace_days": 7, "attempt_hours": 73, "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  ('direct', '{}');
