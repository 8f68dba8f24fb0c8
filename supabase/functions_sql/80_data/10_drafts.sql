-- Begins a draft of each kind's flow; the next files fill them, and the last one publishes those
-- that differ from the flow in use.
--
-- The rules (docs/parts/flow_rules.md): how often something may be done, then times, the fee, and
-- how long ratings stay open. Razorpay's late authorisation takes up to 3 days, which attempt_hours
-- must outlast.
insert into private.flow_definitions (kind, rules) values
  (
    'bid',
    '{
      "max_rounds": 3, "max_returns": 5, "max_questions": 10, "max_revisions": 3,
      "max_withdrawals": 3, "max_extensions": 2, "max_cancellations": 2, "max_disputes": 1,
      "delivery_days": 14, "revision_days": 7, "overdue_grace_days": 7, "attempt_hours": 73,
      "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  (
    'campaign',
    '{
      "max_rounds": 3, "max_returns": 5, "max_questions": 10, "max_revisions": 3,
      "max_withdrawals": 3, "max_extensions": 2, "max_cancellations": 2, "max_disputes": 1,
      "delivery_days": 14, "revision_days": 7, "overdue_grace_days": 7, "attempt_hours": 73,
      "fee_basis_points": 0, "rating_days": 14
    }'
  ),
  ('direct', '{"max_closings_a_day": 3}');
