-- The conversation flow as rows: states, the moves between them, and their messages.

create table private.flow_definitions (
  id bigint generated always as identity primary key,
  kind text not null,
  -- Set on publishing; a draft has none.
  version integer,
  status text not null default 'draft',
  -- Numbers that guards, effects and clocks read; docs/FLOW.md lists them.
  rules jsonb not null default '{}',
  created_at timestamptz not null default now(),
  published_at timestamptz,

  constraint kind_is_known check (kind in ('direct', 'bid', 'campaign')),
  constraint status_is_known check (status in ('draft', 'published', 'retired')),
  constraint version_comes_with_publishing check (
    (status = 'draft') = (version is null) and (version is null) = (published_at is null)
  ),
  constraint rules_are_an_object check (jsonb_typeof(rules) = 'object'),
  constraint one_version_of_a_kind unique (kind, version)
);
comment on table private.flow_definitions is
  'A version of the flow of one kind of conversation. New conversations start on the published '
  'one; retired ones keep the conversations that started on them.';
alter table private.flow_definitions enable row level security;
create unique index flow_definitions_published on private.flow_definitions (kind)
where status = 'published';

create table private.flow_states (
  flow_id bigint not null references private.flow_definitions (id) on delete cascade,
  state text not null,
  position integer not null,
  title text not null,
  -- Whom the conversation waits for when neither party must act.
  waiting_on text not null default 'none',
  -- How the deadline of the state is counted, its length, and the system's action at it.
  clock text,
  lasts interval,
  deadline_action text,
  free_text boolean not null default false,
  -- The action that a user takes here by blocking the other side.
  on_block text,
  work_status text,

  primary key (flow_id, state),
  constraint state_is_a_name check (state ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint waiting_on_is_known check (waiting_on in ('none', 'provider', 'admin')),
  constraint clock_is_known check (clock in ('since_entry', 'since_payment', 'payment_window')),
  constraint clock_is_whole check (num_nulls(clock, lasts, deadline_action) in (0, 3)),
  constraint lasts_is_ahead check (lasts > interval '0')
);
alter table private.flow_states enable row level security;

create table private.flow_transitions (
  flow_id bigint not null,
  -- The name of the row in the source; a row for several states or roles is several rows here.
  name text not null,
  position integer not null,
  from_state text not null,
  role text not null,
  action text not null,
  guards text[] not null default '{}',
  to_state text not null,
  -- Who must act next: a role, the party that did not act, nobody (null), or unchanged.
  awaiting text,
  effects text[] not null default '{}',
  -- Why the state changed, as clients hear it; null: the action's name.
  reason text,
  -- The action that follows in the same transaction when its input is there.
  follow_up text,

  primary key (flow_id, from_state, role, action, position),
  foreign key (flow_id, from_state) references private.flow_states (flow_id, state)
  on delete cascade,
  foreign key (flow_id, to_state) references private.flow_states (flow_id, state)
  on delete cascade,
  constraint role_is_known
  check (role in ('influencer', 'brand_owner', 'member', 'system', 'admin')),
  constraint action_is_a_name check (action ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint awaiting_is_known
  check (awaiting in ('influencer', 'brand_owner', 'other', 'unchanged'))
);
alter table private.flow_transitions enable row level security;
create index flow_transitions_to on private.flow_transitions (flow_id, to_state);
create index flow_transitions_of_action on private.flow_transitions (flow_id, action);

create table private.flow_messages (
  flow_id bigint not null references private.flow_definitions (id) on delete cascade,
  -- Of the rows of this name in flow_transitions.
  transition text not null,
  position integer not null,
  message_type text not null,
  audience text not null,
  -- Texts with placeholders in braces; private.flow_values lists them.
  text text not null,
  title text,
  subtitle text,
  -- The input that is shown as the actor's own words; never a part of the texts above.
  quote text,
  -- Null: all actions that the reader may take next, when the message is automated. Otherwise these
  -- actions, each with the text of its button or null for the usual one.
  buttons jsonb,
  notification text,

  primary key (flow_id, transition, position),
  constraint message_type_is_known check (message_type in ('system', 'automated', 'audit')),
  constraint audience_is_known
  check (audience in ('all', 'influencer', 'brand_owner', 'actor', 'other')),
  constraint action_message_has_a_title check (
    title is not null or message_type <> 'automated' and buttons is null
  ),
  constraint audit_is_for_its_actor check (message_type <> 'audit' or audience <> 'all'),
  constraint notification_is_known check (
    notification in ('action_required', 'payment', 'work', 'review', 'deal_closed', 'dispute')
  )
);
alter table private.flow_messages enable row level security;

create table private.flow_actions (
  flow_id bigint not null references private.flow_definitions (id) on delete cascade,
  state text not null,
  role text not null,
  action text not null,
  position integer not null,
  text text not null,
  style text not null default 'secondary',
  -- How the action message shows it: as a button, as its form, as both, or not at all.
  drawn text not null default 'button',
  -- The data of the button, with placeholders.
  data jsonb,

  primary key (flow_id, state, role, action),
  foreign key (flow_id, state) references private.flow_states (flow_id, state) on delete cascade,
  constraint role_is_known check (role in ('influencer', 'brand_owner', 'member')),
  constraint style_is_known
  check (style in ('success', 'danger', 'warning', 'primary', 'secondary')),
  constraint drawn_is_known check (drawn in ('button', 'form', 'both', 'nowhere'))
);
alter table private.flow_actions enable row level security;

create table private.flow_inputs (
  flow_id bigint not null references private.flow_definitions (id) on delete cascade,
  action text not null,
  field text not null,
  position integer not null,
  type text not null,
  required boolean not null default false,
  min numeric,
  max numeric,
  max_length integer,
  placeholder text,
  -- The first value of the field, with placeholders.
  prefill text,
  -- The name of this field for submit_text.
  input_type text,
  -- Kept out of the history, which both sides read.
  is_secret boolean not null default false,

  primary key (flow_id, action, field),
  constraint type_is_known
  check (type in ('text', 'textarea', 'email', 'number', 'integer', 'price', 'file')),
  constraint max_length_fits check (max_length between 1 and 5000),
  constraint input_type_is_known check (
    input_type in (
      'negotiation', 'price', 'project_details', 'question', 'work_submission', 'feedback',
      'reason'
    )
  )
);
comment on column private.flow_inputs.type is
  'price: rupees, in figures or in the notations of private.read_price; clients see "number".';
alter table private.flow_inputs enable row level security;

-- A party's screen in a state, drawn on publishing. Guards close some of its actions in a deal, and
-- placeholders get the deal's values.
create table private.flow_screens (
  flow_id bigint not null references private.flow_definitions (id) on delete cascade,
  state text not null,
  role text not null,
  -- As private.draw_screen returns them.
  actions jsonb[] not null,
  -- Every guard of these actions.
  guards text[] not null,
  -- The flow's rules, for these guards.
  rules jsonb not null,
  -- Whether it is the same for every deal.
  is_fixed boolean not null,

  primary key (flow_id, state, role)
)
-- Each action reads two of these: up to 8 kB a row stays uncompressed.
with (toast_tuple_target = 8160);
alter table private.flow_screens enable row level security;

-- Walks that the flow must allow, step by step.
create table private.flow_traces (
  flow_id bigint not null references private.flow_definitions (id) on delete cascade,
  name text not null,
  -- `role action state` a line.
  steps text not null,

  primary key (flow_id, name)
);
alter table private.flow_traces enable row level security;
